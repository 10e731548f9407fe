"""Fine-tuning as one call, with a report in its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from poolwise.model import Model
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.tuning.comparison import DEFAULT_READOUTS, TuneResult, compare_readouts
from poolwise.tuning.distributed import is_main_process
from poolwise.tuning.records import TrainingOptions


@contextmanager
def tuning_folder(folder: Path | None) -> Iterator[Path | None]:
    """Where the report is written before it gets its name; None where there is no folder, or
    another process of torchrun writes it.

    Raises StoreError at once where the folder holds another report or cannot be written.
    """
    if folder is None or not is_main_process():
        yield None
        return
    from poolwise.reports import resumed_folder  # noqa: PLC0415 - slow to import

    with resumed_folder(folder, study="tuned", force=True) as partial:
        yield partial


def tune(
    model: Model,
    data: LabelledTexts,
    readouts: Sequence[str] = DEFAULT_READOUTS,
    *,
    folder: Path | None = None,
    partial: Path | None = None,
    kind: LabelKind = "classification",
    sizes: Sequence[int | None] = (1000,),
    seeds: int = 5,
    options: TrainingOptions | None = None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> TuneResult | None:
    """``compare_readouts``, and a report in ``folder`` beside its runs and checkpoints.

    A second call with the same folder resumes after an interruption. ``partial`` is what an open
    ``tuning_folder`` gives, for who opens it before data and model are read; without it, it is
    opened here.
    """
    with nullcontext(partial) if partial else tuning_folder(folder) as report_folder:
        result = compare_readouts(
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
        if report_folder is None or result is None or folder is None:
            return result
        from poolwise.reports import PAGE, fill_report  # noqa: PLC0415 - slow to import

        fill_report([result.finding], report_folder)
    return replace(result, report=folder / PAGE)
