"""Fine-tuning as one call, with a report in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from poolwise.model import Model
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.tuning.comparison import DEFAULT_READOUTS, TuneResult, compare_readouts
from poolwise.tuning.distributed import is_main_process
from poolwise.tuning.records import TrainingOptions


def tune(
    model: Model,
    data: LabelledTexts,
    readouts: Sequence[str] = DEFAULT_READOUTS,
    *,
    kind: LabelKind = "classification",
    sizes: Sequence[int | None] = (1000,),
    seeds: int = 5,
    options: TrainingOptions | None = None,
    folder: Path | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> TuneResult | None:
    """``compare_readouts``, and a report in ``folder`` beside its runs and checkpoints.

    A second call with the same folder resumes after an interruption. Raises StoreError, before any
    training, where the folder holds another report or cannot be written.
    """

    def compare() -> TuneResult | None:
        return compare_readouts(
            model,
            data,
            readouts,
            kind=kind,
            sizes=sizes,
            seeds=seeds,
            options=options or TrainingOptions(),
            folder=folder,
            workers=workers,
            seed=seed,
            progress=progress,
        )

    if folder is None or not is_main_process():
        return compare()
    from poolwise.reports import PAGE, fill_report, resumed_folder  # noqa: PLC0415 - slow to import

    with resumed_folder(folder, study="tuned", force=True) as partial:
        result = compare()
        assert result is not None
        fill_report([result.finding], partial)
    return replace(result, report=folder / PAGE)
