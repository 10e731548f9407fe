"""A new plan: inputs counted and cut into parts, steps fitted, readouts saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.jobs.column_types import column_types
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.part_table import PartColumns
from poolwise.jobs.plan import Plan, cut
from poolwise.jobs.request import JobRequest
from poolwise.jobs.stored_readouts import save_readouts
from poolwise.progress import Progress
from poolwise.stores.sink import Layout
from poolwise.texts.corpus_rows import Corpus
from poolwise.texts.extra_columns import extra_columns
from poolwise.transforms.fitted_readout import FittedReadout


def new_plan(
    request: JobRequest,
    folder: JobFolder,
    fingerprint: Mapping[str, Any],
    identities: Sequence[Mapping[str, Any]],
    *,
    progress: bool = False,
) -> Plan:
    """The plan of this request on inputs of these identities. Reads inputs that do not say how many
    rows they have, fits steps, and saves the readouts in the folder."""
    corpus, options = request.corpus, request.options
    with Progress("inputs counted", len(corpus.sources), show=progress) as bar:
        counts = []
        for source in range(len(corpus.sources)):
            counts.append(corpus.count(source))
            bar.advance(1)
    if options.limit is not None:
        left = options.limit
        for place, count in enumerate(counts):
            counts[place] = min(count, left)
            left -= counts[place]
    inputs = [{**identity, "rows": rows} for identity, rows in zip(identities, counts, strict=True)]
    ids = _id_type(corpus)
    return Plan(
        inputs,
        fingerprint,
        {
            "model": request.model.name,
            "folder": str(request.model.folder.absolute()),
            "prompt": request.model.prefix,
            "precision": options.precision,
            "inputs": [source.label for source in corpus.sources],
            "max_text_bytes": corpus.max_text_bytes,
            "ids": ids,
            "columns": column_types(part_columns(request, ids, request.readouts).schema()),
            "readouts": save_readouts(request, folder),
        },
        list(cut(counts, options.part_rows)),
    )


def _id_type(corpus: Corpus) -> str:
    """``integer`` or ``string``: row numbers are integers."""
    if corpus.columns.id is None:
        return "integer"
    types = extra_columns(corpus.sources, [corpus.columns.id], lenient=True).types
    return "integer" if pa.types.is_integer(types[corpus.columns.id]) else "string"


def part_columns(
    request: JobRequest, ids: str, readouts: Mapping[str, FittedReadout]
) -> PartColumns:
    """The columns of this request's parts, with ``ids`` of this type (``integer``, ``string``)."""
    model = request.model
    names = {str(fitted.readout): column for column, fitted in readouts.items()}
    layout = Layout(
        list(names),
        request.options.with_text,
        request.corpus.extra.types,
        {spec: column for spec, column in names.items() if spec != column},
    )
    return PartColumns(
        layout,
        pa.string() if ids == "string" else pa.int64(),
        {str(f.readout): model.width_of(f.readout) for f in readouts.values()},
        {str(f.readout): _dtype(f, request.options.dtype) for f in readouts.values()},
    )


def _dtype(fitted: FittedReadout, dtype: str) -> np.dtype[Any]:
    steps = fitted.readout.steps
    is_bytes = bool(steps) and steps[-1].name in {"int8", "binary"}
    return np.dtype(np.int8 if is_bytes else dtype)
