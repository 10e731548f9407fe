"""Baselines on a task's texts: vectors that need no encoder, or only its word table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poolwise.records import Floats
from poolwise.selection.baselines import BASELINES, ENCODER_BASELINES, baselines
from poolwise.selection.tasks.task import Task
from poolwise.selection.vector_cache import VectorCache

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


def cached_baselines(
    encoder: Encoder,
    task: Task,
    cache: VectorCache,
    seed: int,
    names: Sequence[str] = tuple(BASELINES),
    *,
    of_texts: bool = True,
) -> tuple[dict[str, Floats], list[str]]:
    """Each baseline's vectors of the cache's texts, by name; and notes on the baselines that could
    not run. What a baseline learns, it learns from the task's texts, without labels.

    Those that do not read the encoder are left out unless ``of_texts``.
    """
    names = [name for name in names if of_texts or name in ENCODER_BASELINES]
    memo = cache.memo.setdefault((seed, *names, *task.fit_texts), [])
    if not memo:
        memo += baselines(encoder, task.fit_texts, cache.texts, seed=seed, names=names)
    vectors = {b.name: b.vectors for b in memo if b.vectors is not None}
    notes = [f"{b.name}: not run because {b.note}" for b in memo if b.vectors is None]
    return vectors, notes
