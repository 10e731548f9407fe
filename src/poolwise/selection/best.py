"""The readout that a selection chose, with its fitted steps: what ``readout.toml`` holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from poolwise.encoders import Encoder
from poolwise.encoders.provenance import source_provenance
from poolwise.json_values import to_plain
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.task import Task
from poolwise.transforms import fit
from poolwise.transforms.fitted_readout import FittedReadout


def best_readout(selection: Selection, provenance: Mapping[str, Any]) -> FittedReadout:
    """The chosen readout, its steps fitted on all texts but those of test; its provenance."""
    candidate = selection.candidates[selection.chosen_index]
    readout, cache, encoder = candidate.readout, candidate.cache, candidate.encoder
    transform = None
    if readout.needs_fit:
        rows = cache.rows(selection.task.fit_texts, selection.task.fit_kind)
        vectors = cache[str(readout.pooled)][rows[cache.usable[rows]]]
        transform = fit(readout, vectors, cache.dense_stack)
    provenance = {**provenance, **source_provenance(encoder)}
    facts = {key: _as_text(fact) for key, fact in provenance.items()}
    return FittedReadout(readout, transform, facts, *_prompts(encoder, selection.task))


def _prompts(encoder: Encoder, task: Task) -> tuple[str | None, str | None]:
    """Those of the texts, or documents, and of queries; None where none was chosen or declared."""
    given = bool(encoder.prefix) or encoder.prompt is not None
    if task.fit_kind is None:
        return (encoder.prefix if given else None), None
    document, query = encoder.kind_prompt("document"), encoder.kind_prompt("query")
    return (document, query) if given or document or query else (None, None)


def _as_text(fact: object) -> str:
    """Plain facts as they are, others as JSON."""
    return fact if isinstance(fact, str) else json.dumps(to_plain(fact), ensure_ascii=False)
