"""poolwise.tune: the same training over several readouts, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import as_model, read_labels
from poolwise.api.read_options import read_options
from poolwise.api.results import FindingsView
from poolwise.model import Model
from poolwise.records import Finding

if TYPE_CHECKING:
    from poolwise.texts.label_columns import LabelKind
    from poolwise.tuning.comparison import TuneResult
    from poolwise.tuning.records import TrainingOptions


@dataclass(frozen=True)
class TuneReport(FindingsView):
    """What the trainings show: ``result.best`` is the readout to use."""

    result: TuneResult

    @property
    def findings(self) -> list[Finding]:  # type: ignore[override]
        return [self.result.finding]

    @property
    def best(self) -> str:
        """The readout that scored best once fine-tuned."""
        return self.result.best

    @property
    def checkpoints(self) -> dict[str, Path]:
        """By readout, a folder for ``load_classifier``; empty where no folder was given."""
        return dict(self.result.checkpoints)

    def __repr__(self) -> str:
        return f"<TuneReport: {self.best}>"


def tune(
    model: Model | str | Path,
    labels: object,
    readouts: Sequence[str] | None = None,
    *,
    kind: LabelKind = "classification",
    sizes: Sequence[int | None] = (1000,),
    seeds: int = 5,
    options: TrainingOptions | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    seed: int = 0,
    prompt: str | None = None,
    prompt_name: str | None = None,
    progress: bool = False,
    **reading: Any,
) -> TuneReport | None:
    """Fine-tune over each readout on the same rows, and say which to take.

    ``labels`` is one set, as in ``sweep``; ``sizes`` are rows to train on, None for all of them;
    ``folder`` keeps trainings, checkpoints and a report, and a second call with it resumes.
    ``reading`` are fields of ``ReadOptions``. None in torchrun's processes other than the first.
    """
    from poolwise.tuning.comparison import DEFAULT_READOUTS  # noqa: PLC0415 - slow to import
    from poolwise.tuning.tune import tune as tune_readouts  # noqa: PLC0415 - likewise

    data = read_labels(labels, kind, read_options(seed, reading))
    result = tune_readouts(
        as_model(model, prompt, prompt_name),
        data,
        readouts or DEFAULT_READOUTS,
        kind=kind,
        sizes=sizes,
        seeds=seeds,
        options=options,
        folder=None if folder is None else Path(folder),
        workers=workers,
        seed=seed,
        progress=progress,
    )
    return None if result is None else TuneReport(result)
