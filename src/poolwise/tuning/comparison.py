"""From labelled texts to an answer: trainings compared, and where the checkpoints lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from warnings import warn

from poolwise.engines.workers import cores
from poolwise.errors import PoolwiseWarning, needs
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.records import Finding
from poolwise.selection.duplicates import duplicate_groups
from poolwise.studies.data_notes import as_read
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.transforms.fitted_readout import SUFFIX, FittedReadout, prompted
from poolwise.tuning.records import Recipe, Runs
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import tunable

DEFAULT = ("cls@-1", "mean@-1", "max@-1", "sep@-1", "cls@mix")
"""What is compared where nobody names readouts."""

TOKENS = ("cls@-1", "token[1]@-1", "token[2]@-1", "sep@-1", "mean@-1", "max@-1", "cls@mix")
"""What the question asks: the first token, other tokens, all of them, all layers."""

SIZES, SEEDS = (100, 1000), 5
"""Of the question."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer, and the trainings behind it."""

    finding: Finding
    runs: Runs


def compared(
    model: Model,
    data: LabelledTexts,
    specs: Sequence[str],
    *,
    kind: LabelKind,
    sizes: Sequence[int | None],
    seeds: int,
    recipe: Recipe,
    folder: Path | None,
    workers: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Compared | None:
    """Fine-tune over each readout of ``specs`` (see ``tunable``) and say which to take.

    A sweep's readout.toml among them brings the prompt it was chosen with; its steps, which belong
    to frozen vectors, are left out, and a PoolwiseWarning says so. ``sizes`` are rows to train on,
    None for all of them; ``seed`` divides the rows. See ``runs.compare`` for ``seeds``, ``folder``
    and ``workers``, by default one a core. None in those processes of torchrun that have nothing to
    say.

    Raises StudyError where the data cannot carry an answer or memory is too small, ReadoutError for
    a readout that cannot be tuned, MissingExtraError without accelerate.
    """
    with needs("tune", "fine-tuning"):
        import accelerate  # noqa: F401, PLC0415 - seconds

        from poolwise.tuning.distributed import is_first  # noqa: PLC0415 - accelerate
        from poolwise.tuning.runs import compare  # noqa: PLC0415 - torch and transformers
        from poolwise.tuning.study import answer  # noqa: PLC0415 - statistics

    model, specs = _resolved(model, specs)
    readouts = [tunable(spec, model.depth) for spec in specs]
    task = Task(replace(data, groups=duplicate_groups(model, data.texts)), kind, seed)
    runs = compare(
        model,
        task,
        readouts,
        task.sizes(sizes),
        seeds,
        recipe=recipe,
        folder=folder,
        workers=workers or cores(),
        progress=progress,
    )
    if not is_first():
        return None
    found = answer(model, task, runs, recipe)
    facts = {
        **model.source_provenance(),
        **model.prompt_provenance(),
        **found.provenance,
        "data_sha256": task.hash,
        "kind": kind,
        "seed": seed,
    }
    return Compared(as_read(replace(found, provenance=with_date(facts)), [data]), runs)


def _resolved(model: Model, specs: Sequence[str]) -> tuple[Model, list[str]]:
    """The model with the prompt that files of readouts were chosen with, and their readouts."""
    files = {spec: FittedReadout.of(spec) for spec in specs if spec.endswith(SUFFIX)}
    for spec, chosen in files.items():
        chosen.check_model(model.hash)
        if chosen.readout.steps:
            warn(
                f"{spec}: the steps of {chosen.readout} belong to frozen vectors, in training the "
                f"layers below learn what they do; fine-tunes {chosen.readout.pooled}",
                PoolwiseWarning,
                stacklevel=3,
            )
    named = [str(files[spec].readout.pooled) if spec in files else spec for spec in specs]
    return prompted(model, files.values()), list(dict.fromkeys(named))
