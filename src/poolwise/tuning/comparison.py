"""Fine-tuning over several readouts, and which of them to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from warnings import warn

from poolwise.encoders.provenance import prompt_provenance, source_provenance
from poolwise.engines.workers import cores
from poolwise.errors import PoolwiseWarning, needs
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.records import Finding
from poolwise.selection.duplicates import duplicate_groups
from poolwise.studies.data_notes import with_data_notes
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.transforms.fitted_readout import SUFFIX, FittedReadout, prompted
from poolwise.tuning.records import TrainingOptions, TuningRuns
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import parse_trainable

DEFAULT_READOUTS = ("cls@-1", "mean@-1", "max@-1", "sep@-1", "cls@mix")


@dataclass(frozen=True, slots=True)
class TuneResult:
    """``best``: the spec of the readout to use. ``finding`` says why; ``runs``: all trainings.

    ``report``: the page that shows the finding, if a folder was given.
    """

    best: str
    finding: Finding
    runs: TuningRuns
    report: Path | None = None

    @property
    def verdict(self) -> str:
        return self.finding.verdict

    @property
    def checkpoints(self) -> Mapping[str, Path]:
        """By readout, a folder for ``load_classifier``; empty where no folder was given."""
        return self.runs.checkpoints


def compare_readouts(
    model: Model,
    data: LabelledTexts,
    readouts: Sequence[str],
    *,
    kind: LabelKind,
    sizes: Sequence[int | None],
    seeds: int,
    options: TrainingOptions,
    folder: Path | None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> TuneResult | None:
    """Fine-tune over each of ``readouts`` (see ``parse_trainable``), and choose one.

    A sweep's readout.toml among them brings the prompt it was chosen with; its steps, which belong
    to frozen vectors, are left out with a PoolwiseWarning. ``sizes`` are rows to train on, None for
    all of them; ``seed`` divides the rows. See ``train_runs`` for ``seeds``, ``folder`` and
    ``workers``, by default one a core. None in torchrun's processes other than the first.

    Raises StudyError where the data are too few or memory is too small, ReadoutError for a readout
    that cannot be tuned, MissingExtraError without accelerate.
    """
    with needs("tune", "fine-tuning"):
        import accelerate  # noqa: F401, PLC0415 - seconds

        from poolwise.tuning.analysis import TuningAnalysis  # noqa: PLC0415 - statistics
        from poolwise.tuning.distributed import is_main_process  # noqa: PLC0415 - accelerate
        from poolwise.tuning.finding import finding_of  # noqa: PLC0415 - statistics
        from poolwise.tuning.train_runs import train_runs  # noqa: PLC0415 - torch, transformers

    model, specs = _resolved(model, readouts)
    trainables = [parse_trainable(spec, model.depth) for spec in specs]
    task = TuningTask(replace(data, groups=duplicate_groups(model, data.texts)), kind, seed)
    runs = train_runs(
        model,
        task,
        trainables,
        task.sizes(sizes),
        seeds,
        options=options,
        folder=folder,
        workers=workers or cores(),
        progress=progress,
    )
    if not is_main_process():
        return None
    analysis = TuningAnalysis(model, task, runs)
    finding = finding_of(analysis, options)
    facts = {
        **source_provenance(model),
        **prompt_provenance(model),
        **finding.provenance,
        "data_sha256": task.hash,
        "kind": kind,
        "seed": seed,
    }
    finding = with_data_notes(replace(finding, provenance=with_date(facts)), [data])
    return TuneResult(analysis.chosen, finding, runs)


def _resolved(model: Model, readouts: Sequence[str]) -> tuple[Model, list[str]]:
    """The model with the prompt of the readout files, and the specs of all readouts."""
    files = {spec: FittedReadout.of(spec) for spec in readouts if spec.endswith(SUFFIX)}
    for path, chosen in files.items():
        chosen.check_model(model.hash)
        if chosen.readout.steps:
            warn(
                f"{path}: the steps of {chosen.readout} belong to frozen vectors, in training the "
                f"layers below learn what they do; fine-tunes {chosen.readout.pooled}",
                PoolwiseWarning,
                stacklevel=3,
            )
    specs = [str(files[spec].readout.pooled) if spec in files else spec for spec in readouts]
    return prompted(model, files.values()), list(dict.fromkeys(specs))
