"""The study ``tuned``: which readout, once the encoder is fine-tuned?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from poolwise.records import Finding
from poolwise.studies.study import Context
from poolwise.texts import DataKind, Dataset, LabelledTexts
from poolwise.tuning.comparison import compare_readouts
from poolwise.tuning.finding import QUESTION
from poolwise.tuning.records import TrainingOptions

READOUTS = ("cls@-1", "token[1]@-1", "token[2]@-1", "sep@-1", "mean@-1", "max@-1", "cls@mix")
"""The first token, other tokens, all tokens, all layers."""

SIZES, SEEDS = (100, 1000), 5


class Tuned:
    """Fine-tunes the encoder over each readout, on several training sizes and seeds.

    ``readouts`` are by default [CLS], other tokens, the mean, the maximum and a learned mix of
    layers. With a ``folder``, trainings are kept there and resumed.
    """

    name = "tuned"
    question = QUESTION
    takes: Sequence[DataKind] = ("labels",)

    def __init__(
        self,
        data: LabelledTexts,
        readouts: Sequence[str] = (),
        seed: int = 0,
        folder: Path | None = None,
    ) -> None:
        self.labels, self.readouts = data, list(readouts) or list(READOUTS)
        self.seed, self.folder = seed, folder

    @property
    def data(self) -> Sequence[Dataset]:
        """None: ``compare_readouts`` adds the notes of its data itself."""
        return ()

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding; none in those processes of torchrun that are not the first."""
        result = compare_readouts(
            context.model,
            self.labels,
            self.readouts,
            kind="classification",
            sizes=SIZES,
            seeds=SEEDS,
            options=TrainingOptions(),
            folder=self.folder,
            seed=self.seed,
            progress=context.progress,
        )
        if result is not None:
            yield result.finding
