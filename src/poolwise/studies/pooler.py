"""Is the pooler's output a good summary of the text?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from poolwise.encoders.variants.reinitialize import with_random_pooler
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Finding, Floats, Number
from poolwise.selection.comparisons import Comparison, ComparisonFamily, join_words
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.data_tasks import task_of
from poolwise.statistics.estimate import format_estimate
from poolwise.statistics.paired import Difference, paired_differences
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

READOUTS = ("pooler", "cls@-1", "mean@-1")
DRAWS = 5
RANDOM = "a re-initialised pooler"
SHUFFLED = "a random tanh layer"
CONTROLS = {
    RANDOM: "weights as transformers begins with: normal, standard deviation 0.02, no bias",
    SHUFFLED: "the pooler's own weights and biases in random order, so of the same spread",
}


class Pooler:
    """The pooler's score against that of the [CLS] row it is made from, and of the mean.

    Controls, all computed from the same [CLS] rows: poolers that have learned nothing, and tanh
    layers of the pooler's own weights in random order, several draws of each.
    """

    name = "pooler"
    question = "Is the pooler's output a good summary?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(
        self, data: TextPairs | LabelledTexts, seed: int = 0, score: str | None = None
    ) -> None:
        self.data = [data]
        self.task = task_of(data, seed, score=score, probe="discriminant")
        self._seed = seed

    def request(self, model: Model) -> VectorRequest:
        """Raises StudyError for a model without a pooler."""
        if not model.has_pooler:
            raise StudyError(
                f"{model.name} has no pooler, so there is no output of one to judge; ask "
                "layers (which layer of [CLS] and of the mean) or first (which token) instead"
            )
        readouts = [parse(spec) for spec in READOUTS]
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        readouts = self.request(encoder).readouts
        controls = dict(random_layers(encoder, cache["cls@-1"], self._seed))
        selection = score_readouts(encoder, self.task, readouts, cache, controls, progress=progress)
        family = _family(selection)
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=_verdict(family, encoder.pooler_state == "untrained"),
            evidence=_evidence(selection, family),
            numbers=[*_scores(selection), *family.numbers()],
            charts=[
                family.chart(
                    f"Against the pooler, on {self.task.name}",
                    x_label=f"difference in {self.task.score}",
                    reference="pooler",
                )
            ],
            notes=[
                *(_comparison_note(name, family) for name in (*READOUTS[1:], *CONTROLS)),
                *self.task.notes,
                *_notes(encoder),
            ],
            provenance={"data": self.task.name, "draws of each control": DRAWS},
        )


def random_layers(encoder: Encoder, cls: Floats, seed: int) -> Iterator[tuple[str, Floats]]:
    """tanh(W·cls + b) of every [CLS] row [n, d], by the control's name and draw."""
    weight, bias = _pooler(encoder)
    rng = np.random.default_rng(seed)
    for draw in range(DRAWS):
        w, b = _pooler(with_random_pooler(encoder, seed + draw))
        yield f"{RANDOM} {draw + 1}", np.tanh(cls @ w.T + b)
        w, b = rng.permuted(weight.ravel()).reshape(weight.shape), rng.permuted(bias)
        yield f"{SHUFFLED} {draw + 1}", np.tanh(cls @ w.T + b)


def _pooler(encoder: Encoder) -> tuple[Floats, Floats]:
    name = encoder.family.pooler
    return encoder.tensors[f"{name}.weight"], encoder.tensors[f"{name}.bias"]


def _family(selection: Selection) -> ComparisonFamily:
    """Every readout and control against the pooler."""
    return ComparisonFamily(
        [
            Comparison(
                f"{name} less pooler", difference, {"readout": name}, control=name in CONTROLS
            )
            for name, difference in _differences(selection).items()
        ]
    )


def _differences(selection: Selection) -> Mapping[str, Difference]:
    """Scores less the pooler's, by name; a control's score is the mean of its draws'."""
    values = selection.report_scores.mean(axis=0)
    influences = selection.report_scores - values
    indices = {name: [selection.names.index(name)] for name in READOUTS}
    for control in CONTROLS:
        indices[control] = [i for i, name in enumerate(selection.names) if name.startswith(control)]
    means = [values[columns].mean() for columns in indices.values()]
    rows = np.stack([influences[:, columns].mean(axis=1) for columns in indices.values()], axis=1)
    differences = dict(
        zip(
            indices,
            paired_differences(means, rows, 0, selection.report_groups),
            strict=True,
        )
    )
    del differences["pooler"]
    return differences


def _scores(selection: Selection) -> Iterator[Number]:
    for i, (name, estimate) in enumerate(zip(selection.names, selection.scores, strict=True)):
        where = {"readout": name}
        untrained = i >= len(READOUTS)
        yield Number.of(selection.task.score, estimate, where, baseline=untrained)


def _verdict(family: ComparisonFamily, untrained: bool) -> str:
    sign = {name: family.sign(f"{name} less pooler") for name in (*READOUTS[1:], *CONTROLS)}
    if untrained:
        return "No: this pooler was never trained, so its output is cls@-1 through a random layer."
    return f"{_judgement(sign)}."


def _evidence(selection: Selection, family: ComparisonFamily) -> str:
    score = format_estimate(selection.scores[0])
    others = [f"{name} {family.describe(f'{name} less pooler')}" for name in READOUTS[1:]]
    return f"pooler {selection.task.score} {score}; against it {'; '.join(others)}"


def _judgement(sign: Mapping[str, int | None]) -> str:
    better = [name for name in READOUTS[1:] if sign[name] == 1]
    if better:
        return f"No: {join_words(better)} summarise{'s' * (len(better) == 1)} the text better"
    if all(sign[name] == -1 for name in READOUTS[1:]):
        return "Yes: it summarises the text better than what it is made from, and than the mean"
    return "Not better than what can be had without it, as far as these data can show"


def _comparison_note(name: str, family: ComparisonFamily) -> str:
    comparison = f"{name} less pooler"
    return f"{comparison}: {family.describe(comparison)}"


def _notes(encoder: Encoder) -> Iterator[str]:
    for name, description in CONTROLS.items():
        yield f"{name}: tanh(W·cls@-1 + b), {description}; the mean score of {DRAWS} draws"
    if encoder.pooler_state == "untrained":
        yield "the controls are what this pooler is too, so they should not differ from it"
    yield (
        "a next-sentence head, where the checkpoint has one, is not read: encoders are loaded "
        "without heads"
    )
