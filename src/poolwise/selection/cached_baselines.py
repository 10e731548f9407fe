"""Baselines on a task's texts: vectors that need no encoder, or only its word table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolwise.records import Floats
from poolwise.selection.baselines import baselines
from poolwise.selection.tasks import Task
from poolwise.selection.vector_cache import VectorCache

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


def cached_baselines(
    encoder: Encoder, task: Task, cache: VectorCache, seed: int
) -> tuple[dict[str, Floats], list[str]]:
    """Vectors of every text of the shelf by each baseline, fitted on the task's train texts; and
    what could not run, and why."""
    known = cache.memo.setdefault((seed, *task.train_texts), [])
    if not known:
        known += baselines(encoder, task.train_texts, cache.texts, seed=seed)
    found = {one.name: one.vectors for one in known if one.vectors is not None}
    left_out = [f"{b.name}: not run because {b.note}" for b in known if b.vectors is None]
    return found, left_out
