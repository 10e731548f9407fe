"""The job in a folder: planned, or found there and compared with what is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.errors import StoreError, listed
from poolwise.jobs.column_types import column_types
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.part_maker import PartMaker
from poolwise.jobs.part_table import PartColumns
from poolwise.jobs.plan import Plan, cut
from poolwise.jobs.request import JobRequest, differences
from poolwise.stores.sink import Layout
from poolwise.texts.corpus_rows import Corpus
from poolwise.texts.extra_columns import extra_columns
from poolwise.transforms.fitted_readout import FittedReadout


def open_job(request: JobRequest, folder: JobFolder, *, resume: bool) -> PartMaker:
    """What makes the parts of this request in this folder.

    The plan is written if there is none. One that is there must be of the same request on the same
    inputs, and with ``resume`` it is gone on with; of several processes that come at once, all
    work on the plan that was first. Raises StoreError otherwise, with what differs.
    """
    fingerprint, identities = request.fingerprint(), request.identities()
    if folder.plan.exists():
        if not resume:
            raise StoreError(
                f"{folder.path} holds a corpus job already: --resume goes on with it, --update "
                "takes changed inputs, or choose another folder"
            )
        if folder.update.success.exists():
            raise StoreError(
                f"an update of {folder.path} was interrupted while its parts took their places: "
                "--update ends it"
            )
        plan = Plan.load(folder)
    else:
        _check_empty(folder)
        folder.make()
        plan = _new_plan(request, folder, fingerprint, identities).publish(folder)
    _check_same(folder, plan, fingerprint, identities)
    folder.make()
    return part_maker(request, folder, plan)


def part_maker(request: JobRequest, folder: JobFolder, plan: Plan) -> PartMaker:
    """What makes the parts of this plan; the readouts are those in the folder."""
    options = request.options
    readouts = stored_readouts(folder, plan)
    columns = _part_columns(request, plan.request["ids"], readouts)
    return PartMaker(
        folder,
        plan,
        request.model,
        tuple(readouts.values()),
        request.corpus,
        columns,
        options.precision,
        options.long,
        options.escape_special,
        options.on_bad_row,
        metadata=_metadata(request, columns.layout),
    )


def _part_columns(
    request: JobRequest, ids: str, readouts: Mapping[str, FittedReadout]
) -> PartColumns:
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


def stored_readouts(folder: JobFolder, plan: Plan) -> dict[str, FittedReadout]:
    """The job's readouts by their columns, with what their steps have learned."""
    return {
        column: FittedReadout.load(folder.readouts / name)
        for column, name in plan.request["readouts"].items()
    }


def _new_plan(
    request: JobRequest,
    folder: JobFolder,
    fingerprint: Mapping[str, Any],
    identities: Sequence[Mapping[str, Any]],
) -> Plan:
    corpus, options = request.corpus, request.options
    counts = [corpus.count(source) for source in range(len(corpus.sources))]
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
            "columns": column_types(_part_columns(request, ids, request.readouts).schema()),
            "readouts": _save_readouts(request, folder, fingerprint),
        },
        list(cut(counts, options.part_rows)),
    )


def _save_readouts(
    request: JobRequest, folder: JobFolder, fingerprint: Mapping[str, Any]
) -> dict[str, str]:
    """Save the readouts, fitted; their files by their columns. Processes that plan the same job at
    once write the same files."""
    digest = hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:12]
    transforms = request.fit()
    names: dict[str, str] = {}
    for place, (column, fitted) in enumerate(request.readouts.items()):
        transform = fitted.transform or transforms.get(str(fitted.readout))
        provenance = fitted.provenance or {"model_hash": request.model.hash}
        names[column] = f"{digest}-{place}.toml"
        replace(fitted, transform=transform, provenance=provenance).save(
            folder.readouts / names[column]
        )
    return names


def _id_type(corpus: Corpus) -> str:
    """``integer`` or ``string``: row numbers are integers."""
    if corpus.columns.id is None:
        return "integer"
    types = extra_columns(corpus.sources, [corpus.columns.id]).types
    return "integer" if pa.types.is_integer(types[corpus.columns.id]) else "string"


def _dtype(fitted: FittedReadout, dtype: str) -> np.dtype[Any]:
    steps = fitted.readout.steps
    is_bytes = bool(steps) and steps[-1].name in {"int8", "binary"}
    return np.dtype(np.int8 if is_bytes else dtype)


def _metadata(request: JobRequest, layout: Layout) -> dict[str, Any]:
    """What stands in the footer of every part, beside the part's own facts."""
    renamed = {column: spec for spec, column in layout.column_names.items()}
    fitted_on = {"fitted_on": request.fitted_on} if request.fitted_on else {}
    return {
        **request.model.provenance(request.options.precision),
        **fitted_on,
        "readouts": list(layout.readouts),
        **({"columns": renamed} if renamed else {}),
    }


def _check_empty(folder: JobFolder) -> None:
    """Raise StoreError where something else is in the folder: readers would take it for rows."""
    try:
        names = sorted(path.name for path in folder.path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{folder.path}: {error.strerror}; choose another folder") from error
    others = [name for name in names if not name.startswith((".", "_"))]
    if others and not folder.plan.exists():
        raise StoreError(
            f"{folder.path} holds {listed(others, limit=3)}, which no corpus job wrote; choose an "
            "empty folder"
        )


def _check_same(
    folder: JobFolder,
    plan: Plan,
    fingerprint: Mapping[str, Any],
    identities: Sequence[Mapping[str, Any]],
) -> None:
    """Raise StoreError with everything that differs from the plan."""
    if changed := changes(plan, fingerprint, identities):
        raise StoreError(
            f"{folder.path} was begun otherwise: {'; '.join(changed)}. Repeat the command as it "
            "was, or choose another folder; --update takes other inputs"
        )


def changes(
    plan: Plan, fingerprint: Mapping[str, Any], identities: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Everything in which a request on these inputs differs from the plan."""
    return differences(plan.fingerprint, fingerprint) + changed_inputs(plan, identities)


def changed_inputs(plan: Plan, identities: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs between the inputs of the plan and those of these identities."""
    old = [str(identity["name"]) for identity in plan.inputs]
    new = [str(identity["name"]) for identity in identities]
    if old != new:
        return [f"the inputs were {listed(old)}, are {listed(new)}"]
    changed = []
    for before, now in zip(plan.inputs, identities, strict=True):
        if found := differences(before, now, list(now)):
            changed.append(f"{now['name']} has changed ({', '.join(found)})")
    return changed
