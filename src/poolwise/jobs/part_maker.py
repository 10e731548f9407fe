"""One part: its rows read, embedded, written and committed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from poolwise.errors import NameTakenError
from poolwise.extraction import Extraction, windows
from poolwise.files import os_errors_as
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.input_rows import InputRows
from poolwise.jobs.part_table import PartColumns
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.rejection import BadRows, Rejected
from poolwise.jobs.reuse import NEW, Reuse
from poolwise.jobs.sidecar import METADATA, PartFacts, Sidecar
from poolwise.jobs.window import window_vectors
from poolwise.model import Model
from poolwise.records import ROW_FLAGS, LongTexts, Precision
from poolwise.stores.parquet_output import ParquetOutput
from poolwise.texts.corpus_rows import Corpus, CorpusRow
from poolwise.transforms.fitted_readout import FittedReadout


@dataclass(frozen=True, slots=True)
class Advance:
    """What has been done since the last such message: ``rows`` of the inputs, of which some were
    ``rejected`` and some ``truncated``."""

    rows: int
    rejected: int
    truncated: int

    def __add__(self, other: Advance) -> Advance:
        return Advance(
            self.rows + other.rows,
            self.rejected + other.rejected,
            self.truncated + other.truncated,
        )

    def __neg__(self) -> Advance:
        return Advance(-self.rows, -self.rejected, -self.truncated)


Report = Callable[[Advance], None]


@dataclass(frozen=True, slots=True)
class PartMaker:
    """All that a process needs to make parts; plain data, which other processes get as a pickle."""

    folder: JobFolder
    plan: Plan
    model: Model
    readouts: tuple[FittedReadout, ...]
    corpus: Corpus
    columns: PartColumns
    precision: Precision
    long: LongTexts
    escape_special: bool
    on_bad_row: BadRows
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reuse: Reuse | None = None

    def start(self) -> RunningMaker:
        """Open what is needed to compute: the engine, and the inputs."""
        extraction = Extraction.of(
            self.model,
            self.readouts,
            engine=self.model.engine_for(self.precision),
            long=self.long,
            escape_special=self.escape_special,
        )
        return RunningMaker(self, extraction, InputRows(self.corpus))


@dataclass(frozen=True, slots=True)
class RunningMaker:
    """A PartMaker that is ready to compute."""

    setup: PartMaker
    extraction: Extraction
    inputs: InputRows

    def make(self, part: Part, report: Report) -> Sidecar:
        """Make and commit a part; where another process has been faster, its part stays.

        What is listed of rejected rows is durable before the part is, and the sidecar, which can
        be made again, after it. Raises TextError, StoreError.
        """
        path = self.setup.folder.part(part.number)
        try:
            self._commit(part, path, report)
        except NameTakenError:
            return Sidecar.load(self.setup.folder, part.number)
        return Sidecar.of(path).save(self.setup.folder)

    def _commit(self, part: Part, path: Path, report: Report) -> None:
        """Raises NameTakenError where the part is there."""
        setup = self.setup
        rejected = Rejected(setup.on_bad_row)
        with os_errors_as(path):
            output = ParquetOutput(path, setup.columns.vectors, schema=setup.columns.schema())
        try:
            facts = self._write(part, path, output, rejected, report)
            rejected.save(setup.folder, part.number)
            with os_errors_as(path):
                output.commit({**setup.metadata, METADATA: asdict(facts)})
        except BaseException:
            output.discard()
            raise

    def _write(
        self, part: Part, path: Path, output: ParquetOutput, rejected: Rejected, report: Report
    ) -> PartFacts:
        skip = self.setup.on_bad_row == "skip"
        flags = Counter[str](dict.fromkeys(ROW_FLAGS, 0))
        rows = 0
        ids = hashlib.sha256()
        rows_in = 0
        for window in windows(self.inputs.of(part)):
            table, problems = self._table(window, part.first_row + rows_in, skip=skip)
            for place, problem in sorted(problems.items()):
                rejected.add(window[place], problem)
            if len(table):
                with os_errors_as(path):
                    output.write(table)
            rows_in, rows = rows_in + len(window), rows + len(table)
            ids.update(id_lines(table["id"]))
            truncated = flags["truncated"]
            for flag in ROW_FLAGS:
                flags[flag] += pc.sum(table[flag]).as_py() or 0
            report(Advance(len(window), len(problems), flags["truncated"] - truncated))
        return PartFacts(
            part.number, part.rows, rows, dict(rejected.counts), dict(flags), ids.hexdigest()
        )

    def _table(
        self, window: Sequence[CorpusRow], first: int, *, skip: bool
    ) -> tuple[pa.Table, Mapping[int, str]]:
        """The columns of consecutive rows, of which ``first`` is the number of the first; and the
        problems of those without vectors, by their place."""
        columns, reuse = self.setup.columns, self.setup.reuse
        if reuse is None:
            vectors = window_vectors(self.extraction, window)
            return columns.table(vectors, skip=skip), vectors.problems
        numbers = reuse.numbers(first, len(window))
        old = np.flatnonzero(numbers != NEW).tolist()
        new = np.flatnonzero(numbers == NEW).tolist()
        vectors = window_vectors(self.extraction, [window[place] for place in new])
        problems = {new[place]: problem for place, problem in vectors.problems.items()}
        table = columns.table(vectors, skip=skip)
        if old:
            taken = reuse.earlier.take(numbers[old], columns.of_text)
            known = columns.reused_table([window[place] for place in old], taken)
            kept = [place for place in new if not (skip and place in problems)]
            order = np.argsort([*kept, *old])
            table = pa.concat_tables([table, known]).take(order)
        return table, problems


def id_lines(ids: pa.ChunkedArray) -> bytes:
    """The ids of some rows as they are hashed: a line of JSON each."""
    return "".join(f"{json.dumps(name)}\n" for name in ids.to_pylist()).encode()
