"""poolwise.search: the rows of a corpus job that are nearest to texts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poolwise.api.search_result import QueryHits, SearchResult
from poolwise.embedding_warnings import embedding_warnings
from poolwise.encoders.modules.prompts import DOCUMENT, QUERY
from poolwise.errors import OptionError, TextError, listed
from poolwise.extraction import Extraction
from poolwise.inputs import strings, whole_number
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.opening import check_settled
from poolwise.jobs.plan import Plan
from poolwise.jobs.planned_request import planned_model
from poolwise.jobs.search import search_parts
from poolwise.jobs.similarity import score_of, similarity_of
from poolwise.jobs.stored_readouts import stored_readouts
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.texts.omitted_rows import counted
from poolwise.transforms.fitted_readout import FittedReadout

if TYPE_CHECKING:
    from poolwise.jobs.similarity import ScoreName


def search(
    output: str | Path,
    queries: str | Iterable[str],
    k: int = 10,
    *,
    column: str | None = None,
    model: Model | str | Path | None = None,
    prompt: str | None = None,
    prompt_name: str | None = None,
    score: ScoreName | None = None,
    progress: bool = False,
) -> SearchResult:
    """The ``k`` rows of the job in ``output`` that are nearest to each of ``queries``: exact, by
    one pass over the parts that are there, in memory that does not depend on their number.

    Queries are read as the rows were: by the model of the job, which ``model`` names where it has
    moved (another is refused), and by the readout in ``column``, a column's name or its readout,
    which only a job with one may leave out. In front of them stands ``prompt``, or the model's of
    ``prompt_name``; without them the query prompt of the readout, else of the model, else what
    stood in front of the rows.

    ``score`` is ``cosine`` or ``dot``; binary vectors have ``hamming``, the number of bits that
    differ. Equal scores are in the order of the rows. Rows without vectors are left out, of cosines
    also vectors of zeros.

    Raises StoreError where there is no job, a part is damaged, or the model is another;
    EncoderError where it cannot be loaded; OptionError; TextError for a query without text.
    """
    k = whole_number("k", k, 1)
    texts = _texts(queries)
    folder = JobFolder(Path(output))
    plan = Plan.load(folder)
    check_settled(folder)
    name, fitted = _readout(stored_readouts(folder, plan), column, folder)
    measure = score_of(score, fitted.readout)
    loaded = planned_model(plan, model)
    row_prompt = plan.request["prompt"]
    loaded = loaded.prompted(*_prompt(loaded, fitted, row_prompt, prompt, prompt_name))
    vectors, notes = _vectors(loaded, fitted, plan, texts, needs_norm=measure == "cosine")
    start = time.monotonic()
    similarity = similarity_of(measure, vectors)
    found = search_parts(folder, plan, name, similarity, k, progress=progress)
    there = sum(folder.has(part.number) for part in plan.parts)
    if not folder.success.exists():
        notes.append(
            f"the job is not finished: {there:,} of {len(plan.parts):,} parts are searched; "
            "poolwise embed … --resume makes the others"
        )
    if k > found.rows:
        notes.append(f"k is {k:,}, and there are {found.rows:,} rows with vectors")
    if found.left_out:
        rows = counted(found.left_out, "row is", "rows are")
        notes.append(f"{rows} left out: without a vector, or one of zeros")
    return SearchResult(
        folder.path,
        [QueryHits(text, hits) for text, hits in zip(texts, found.hits, strict=True)],
        k,
        name,
        str(fitted.readout),
        measure,
        found.rows,
        found.left_out,
        there,
        len(plan.parts),
        loaded.prefix,
        row_prompt,
        time.monotonic() - start,
        notes,
        loaded.provenance(plan.request["precision"]),
    )


def _texts(queries: str | Iterable[str]) -> list[str]:
    texts = strings(queries)
    if not texts:
        raise TextError("no query: give at least one text")
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise TextError(f"query {number} is {text!r:.40}, expected a text")
    return texts


def _readout(
    readouts: Mapping[str, FittedReadout], column: str | None, folder: JobFolder
) -> tuple[str, FittedReadout]:
    """The column that is searched, with its readout. Raises OptionError, ReadoutError."""
    known = listed(
        name if name == str(fitted) else f"{name} ({fitted})" for name, fitted in readouts.items()
    )
    if column is None:
        if len(readouts) > 1:
            raise OptionError(
                f"{folder.path} has several columns of vectors, {known}: name one, -r on the "
                "command line, column= in Python"
            )
        return next(iter(readouts.items()))
    if column in readouts:
        return column, readouts[column]
    spec = next((name for name, f in readouts.items() if str(f) == column), None)
    if spec is None:
        canonical = str(parse(column))
        spec = next((name for name, f in readouts.items() if str(f) == canonical), None)
    if spec is None:
        raise OptionError(f"{folder.path} has no column of vectors {column!r:.80}; it has {known}")
    return spec, readouts[spec]


def _prompt(
    model: Model, fitted: FittedReadout, row_prompt: str, prompt: str | None, name: str | None
) -> tuple[str | None, str | None]:
    """The prompt of queries, as a text or by name: see ``search``."""
    if prompt is not None or name is not None:
        return prompt, name
    if fitted.query_prompt is not None:
        return fitted.query_prompt, None
    declared = model.prompts.texts
    if declared[QUERY] or declared[DOCUMENT]:
        return declared[QUERY], None
    return row_prompt, None


def _vectors(
    model: Model, fitted: FittedReadout, plan: Plan, texts: list[str], *, needs_norm: bool
) -> tuple[NDArray[Any], list[str]]:
    """The vectors [q, d] of queries, and what is to be said of them. Raises TextError for one whose
    vector can be compared with nothing."""
    made = plan.fingerprint
    extraction = Extraction.of(
        model,
        fitted,
        engine=model.engine_for(plan.request["precision"]),
        long=made["long"],
        escape_special=made["escape_special"],
    )
    batches = list(extraction.run(texts))
    vectors = np.concatenate([batch.vectors[str(fitted)] for batch in batches])
    nonfinite = np.concatenate([batch.nonfinite for batch in batches])
    if needs_norm:
        nonfinite |= ~vectors.any(axis=1)
    for number, (text, bad) in enumerate(zip(texts, nonfinite, strict=True), 1):
        if bad:
            raise TextError(
                f"query {number}, {text!r:.60}: its vector of {fitted} is zero or not finite, so "
                "that nothing is near it; ask otherwise"
            )
    omission = model.omission_note(fitted.readout)  # said when the rows were made
    notes = embedding_warnings(model, batches, fitted.readout)
    return vectors, [f"queries: {note}" for note in notes if note != omission]
