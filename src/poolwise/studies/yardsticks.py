"""Baselines on a task's texts: vectors that need no encoder, or only its word table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolwise.records import Floats
from poolwise.studies.baselines import baselines
from poolwise.studies.shelf import Shelf
from poolwise.studies.tasks import Task

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


def yardsticks(
    encoder: Encoder, task: Task, shelf: Shelf, seed: int
) -> tuple[dict[str, Floats], list[str]]:
    """Vectors of every text of the shelf by each baseline, fitted on the task's train texts; and
    what could not run, and why."""
    train = task.train_texts
    found, left_out = {}, []
    for baseline in baselines(encoder, train, shelf.texts, seed=seed):
        if baseline.vectors is None:
            left_out.append(f"{baseline.name}: not run because {baseline.note}")
        else:
            found[baseline.name] = baseline.vectors
    return found, left_out
