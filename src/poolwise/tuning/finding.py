"""The finding of a comparison: which readout to fine-tune, and the gain over a frozen one."""

from __future__ import annotations

from poolwise.records import Finding
from poolwise.tuning.analysis import TuningAnalysis
from poolwise.tuning.charts import charts
from poolwise.tuning.finding_numbers import numbers
from poolwise.tuning.notes import notes
from poolwise.tuning.records import TrainingOptions
from poolwise.tuning.verdict import evidence, verdict

QUESTION = "Which readout, once the encoder is fine-tuned?"


def finding_of(analysis: TuningAnalysis, options: TrainingOptions) -> Finding:
    """The readout is chosen on dev, scored on test, and set beside the frozen probes.

    Raises StudyError unless every readout and size has the same seeds.
    """
    splits = analysis.task.splits
    return Finding(
        study="tuned",
        question=QUESTION,
        verdict=verdict(analysis),
        evidence=evidence(analysis),
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
