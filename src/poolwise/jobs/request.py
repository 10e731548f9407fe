"""What a job is asked to make, and what of it the bytes of the output depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from poolwise.encoders.provenance import prompt_provenance
from poolwise.errors import OptionError, TextError
from poolwise.inputs import check_choices, whole_number
from poolwise.jobs.rejection import BadRows
from poolwise.model import Model
from poolwise.records import LongTexts, Precision
from poolwise.texts.corpus_rows import Corpus
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout
from poolwise.version import __version__

PART_ROWS = 100_000
"""Rows in a part, unless another number is asked for."""

FloatType = Literal["float32", "float16"]
"""The type of values in the vectors; that of int8 and binary vectors is their step's."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How parts are made: see ``poolwise.embed_corpus``. Raises OptionError."""

    part_rows: int = PART_ROWS
    limit: int | None = None
    on_bad_row: BadRows = "null"
    with_text: bool = False
    long: LongTexts = "truncate"
    escape_special: bool = False
    precision: Precision = "exact"
    dtype: FloatType = "float32"

    def __post_init__(self) -> None:
        check_choices(long=self.long, precision=self.precision)
        whole_number("part_rows", self.part_rows, 1)
        if self.limit is not None:
            whole_number("limit", self.limit, 1)
        for name, value, choices in (
            ("on_bad_row", self.on_bad_row, get_args(BadRows)),
            ("dtype", self.dtype, get_args(FloatType)),
        ):
            if value not in choices:
                raise OptionError(f"{name} is {value!r:.60}, expected one of {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """``readouts`` by the names of their columns. ``fit`` gives the transforms of those that have
    steps to fit, by their strings, and ``fitted_on`` what the steps are fitted on, for the
    provenance."""

    model: Model
    corpus: Corpus
    readouts: Mapping[str, FittedReadout]
    options: JobOptions = field(default_factory=JobOptions)
    fit: Callable[[], Mapping[str, Transform]] = dict
    fitted_on: Mapping[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> dict[str, Any]:
        """All that the bytes of the parts depend on beside the inputs, as JSON has it."""
        options, corpus = self.options, self.corpus
        engine = self.model.engine_for(options.precision)
        facts = {
            "poolwise": __version__,
            "model_hash": self.model.hash,
            "engine": engine.name,
            "precision": engine.precision,
            "max_length": self.model.max_length,
            **prompt_provenance(self.model),
            "readouts": {column: str(f.readout) for column, f in self.readouts.items()},
            "steps": {
                column: hashlib.sha256(f.transform.to_bytes()).hexdigest()
                for column, f in self.readouts.items()
                if f.transform is not None
            },
            "fitted_on": self.fitted_on,
            "dtype": options.dtype,
            "part_rows": options.part_rows,
            "limit": options.limit,
            "on_bad_row": options.on_bad_row,
            "with_text": options.with_text,
            "long": options.long,
            "escape_special": options.escape_special,
            "encoding": corpus.encoding,
            "column": corpus.columns.text,
            "id_column": corpus.columns.id,
            "keep": list(corpus.columns.keep),
        }
        plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))
        return plain

    def identities(self) -> list[dict[str, Any]]:
        """What each input is. Raises TextError for one that can be read only once."""
        sources = self.corpus.sources
        if not sources:
            raise TextError("no input: name files, folders, globs, or hf:NAME")
        return [json.loads(json.dumps(source.identity(), default=str)) for source in sources]
