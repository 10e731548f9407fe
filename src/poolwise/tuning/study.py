"""The study ``tuned``: which readout to fine-tune, and what that gains over a frozen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolwise.records import Finding
from poolwise.tuning.analysis import TuningAnalysis
from poolwise.tuning.charts import charts
from poolwise.tuning.finding_numbers import numbers
from poolwise.tuning.notes import notes
from poolwise.tuning.records import TrainingOptions, TuningRuns
from poolwise.tuning.task import TuningTask
from poolwise.tuning.verdict import verdict

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

QUESTION = "Which readout, once the encoder is fine-tuned?"


def answer(
    encoder: Encoder, task: TuningTask, runs: TuningRuns, options: TrainingOptions
) -> Finding:
    """The finding of ``TuningAnalysis``: chosen on dev, scored on test, beside frozen probes.

    Raises StudyError unless every readout and size has the same seeds.
    """
    return finding_of(TuningAnalysis(encoder, task, runs), options)


def finding_of(analysis: TuningAnalysis, options: TrainingOptions) -> Finding:
    splits = analysis.task.splits
    return Finding(
        study="tuned",
        question=QUESTION,
        verdict=verdict(analysis),
        numbers=[*numbers(analysis)],
        charts=[*charts(analysis)],
        notes=[*notes(analysis, options)],
        provenance={
            "data": analysis.task.name,
            "rows": {name: len(getattr(splits, name)) for name in ("train", "dev", "test")},
            "readouts": list(analysis.readouts),
            "sizes": list(analysis.sizes),
            "seeds": analysis.n_seeds,
            "recipe": options.to_json(),
        },
    )
