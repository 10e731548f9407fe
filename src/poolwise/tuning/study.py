"""The study: which readout to fine-tune, and what that gains over a frozen one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from poolwise.records import Finding
from poolwise.tuning.charts import charts
from poolwise.tuning.numbers import numbers
from poolwise.tuning.outcomes import Outcomes
from poolwise.tuning.records import Recipe, Runs
from poolwise.tuning.task import Task
from poolwise.tuning.verdict import notes, verdict

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

QUESTION = "Which readout, once the encoder is fine-tuned?"


def answer(encoder: Encoder, task: Task, runs: Runs, recipe: Recipe) -> Finding:
    """The finding ``tuned``: chosen on dev, reported on test, beside the frozen probes.

    Raises StudyError where trainings are missing that others are to be compared with.
    """
    held = Outcomes(encoder, task, runs)
    return Finding(
        study="tuned",
        question=QUESTION,
        verdict=verdict(held),
        numbers=[*numbers(held)],
        charts=[*charts(held)],
        notes=[*notes(held, recipe)],
        provenance={
            "data": task.name,
            "rows": {name: len(getattr(task.splits, name)) for name in ("train", "dev", "test")},
            "readouts": list(held.readouts),
            "sizes": list(held.sizes),
            "seeds": held.seeds,
            "recipe": asdict(recipe),
        },
    )
