"""Why the first token: would any other do?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.readouts import Readout, parse
from poolwise.records import Chart, Finding, Floats, Labelled, Number, Pairs
from poolwise.statistics.folds import uniform
from poolwise.studies.choice import written
from poolwise.studies.comparisons import NO_DIFFERENCE, Comparison, Family, joined
from poolwise.studies.contest import Contest, hold, score
from poolwise.studies.shelf import Shelf
from poolwise.studies.tasks import task_of

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Positions = NDArray[np.intp]
Places = Mapping[str, Sequence[int]]
"""For each token, its contenders from the lowest layer measured to the last."""

FIRST = "cls"
MEAN = "mean"
FIXED = (FIRST, "token[1]", "token[2]", "sep", MEAN)
MIDDLE, RANDOM = "a middle token", "a random token"
OTHERS = ("token[1]", "token[2]", MIDDLE, RANDOM, "sep")
ALONE = "token[1]@0"
"""The control: the first word by itself, before any block has read the text."""

REACH = 16
"""Positions from which the middle and the random token are taken."""


class First:
    """[CLS] against other single tokens and the mean, at the last layer and each at its best."""

    name = "first"
    question = "Why the first token: would any other do?"
    contest: Contest | None = None

    def __init__(self, data: Pairs | Labelled, asked: str = "default", seed: int = 0) -> None:
        self.task = task_of(data, seed)
        self._seed = seed

    @property
    def texts(self) -> Sequence[str]:
        return self.task.texts

    def readouts(self, encoder: Encoder) -> Sequence[Readout]:
        positions = [f"token[{i}]@{k}" for k in layers(encoder) for i in range(1, REACH + 1)]
        return [*_fixed(encoder), *map(parse, positions)]

    def findings(
        self, encoder: Encoder, shelf: Shelf, *, progress: bool = False
    ) -> Iterator[Finding]:
        picked = Picked(shelf, self.task.texts, self._seed)
        made = {
            f"{name}@{k}": picked.vectors(positions, k)
            for k in layers(encoder)
            for name, positions in picked.positions.items()
        }
        held = hold(encoder, self.task, _fixed(encoder), shelf, made, progress=progress)
        places = {name: _places(held, name) for name in (FIRST, *OTHERS, MEAN)}
        last = {name: own[-1] for name, own in places.items()} | {ALONE: held.names.index(ALONE)}
        best = {name: _best(held, own) for name, own in places.items()}
        family = Family(
            [*_comparisons(held, AT_LAST, last), *_comparisons(held, AT_BEST, _moved(best, last))]
        )
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=_verdict(held, last, family),
            numbers=[*family.numbers(), *_scores(held)],
            charts=[_map(held, places), _forest(held, family)],
            notes=[*self.task.parts.notes, *picked.notes(), *NOTES],
            made={"data": self.task.name, "layers": list(layers(encoder))},
        )


AT_LAST, AT_BEST = "last layer", "best layers"
NOTES = (
    "each token's best layer is its own, chosen on dev among the layers measured",
    f"the control is {ALONE}, the first word before any block has read the rest",
    "measured on frozen vectors; what another token can learn in fine-tuning is not said here",
)


def layers(encoder: Encoder) -> Sequence[int]:
    """A quarter of the way up, half, three quarters, the last."""
    return sorted({max(1, round(encoder.depth * part / 4)) for part in (1, 2, 3, 4)})


def _fixed(encoder: Encoder) -> list[Readout]:
    return [parse(f"{name}@{k}") for name in FIXED for k in layers(encoder)] + [parse(ALONE)]


class Picked:
    """The ``positions`` [texts of the shelf] at which the middle and the random token stand.

    They are tokens of the text itself, not special ones, as far as ``REACH``.
    """

    def __init__(self, shelf: Shelf, texts: Sequence[str], seed: int) -> None:
        self._shelf = shelf
        self._rows = shelf.rows(dict.fromkeys(texts))
        within = np.clip(shelf.n_tokens.astype(np.intp) - 2, 1, REACH)
        middle = np.clip((shelf.n_tokens - 1) // 2, 1, REACH)
        draws = np.zeros(len(shelf))
        draws[self._rows] = uniform(np.arange(len(self._rows)), seed)
        self.positions: Mapping[str, Positions] = {
            MIDDLE: middle.astype(np.intp),
            RANDOM: 1 + (draws * within).astype(np.intp),
        }

    def vectors(self, positions: Positions, layer: int) -> Floats:
        """Each text's token at its position, [texts of the shelf, d]."""
        made = np.empty_like(self._shelf[f"token[1]@{layer}"])
        for i in np.unique(positions).tolist():
            rows = positions == i
            made[rows] = self._shelf[f"token[{i}]@{layer}"][rows]
        return made

    def notes(self) -> Iterator[str]:
        """What was done with texts too long or too short."""
        n = self._shelf.n_tokens[self._rows]
        all_texts = f"of {len(n):,} texts"
        if cut := int(np.sum(n - 2 > REACH)):
            beyond = int(np.sum((n - 1) // 2 > REACH))
            yield (
                f"{cut:,} {all_texts} have more than {REACH} tokens: the random token is one of "
                f"the first {REACH}, and so is the middle one of the {beyond:,} whose middle lies "
                "beyond"
            )
        if short := int(np.sum(n == 3)):
            yield f"{short:,} {all_texts} are one token long: their token[2] is the closing one"


def _places(held: Contest, name: str) -> Sequence[int]:
    return [held.names.index(f"{name}@{k}") for k in layers(held.encoder)]


def _best(held: Contest, places: Sequence[int]) -> int:
    """The one that scores best on dev."""
    return max(places, key=lambda i: score(held.dev[i]))


def _comparisons(held: Contest, scope: str, place: Mapping[str, int]) -> Iterator[Comparison]:
    """Every other token, and the mean, less the first token."""
    against = held.against(place[FIRST])
    for name, i in place.items():
        if name != FIRST:
            where = {"readout": held.names[i], "against": held.names[place[FIRST]], "part": "test"}
            yield Comparison(_named(name, scope), against[i], where, control=name == ALONE)


def _moved(best: Mapping[str, int], last: Mapping[str, int]) -> Mapping[str, int]:
    """Of the best layers those that make a comparison other than the last layer's."""
    return {
        name: i
        for name, i in best.items()
        if name == FIRST or (i, best[FIRST]) != (last[name], last[FIRST])
    }


def _named(name: str, scope: str) -> str:
    return f"{name} less {FIRST}, {scope}"


def _scores(held: Contest) -> Iterator[Number]:
    for part, estimates in (("test", held.test), ("dev", held.dev)):
        for name, found in zip(held.names, estimates, strict=True):
            where = {"readout": name, "part": part}
            yield Number(
                held.task.score,
                found.value,
                found.low,
                found.high,
                where,
                name == ALONE,
                found.note,
            )


def _verdict(held: Contest, last: Mapping[str, int], family: Family) -> str:
    """The answer of the last layer; then what each token's best layer changes; then the mean."""
    found = f"{held.task.score} {written(held.test[last[FIRST]])} on {held.task.name}"
    elsewhere = _sorted(family, AT_BEST)
    best = f"Each at its best layer: {elsewhere}. " if elsewhere else ""
    return (
        f"{_answer(family)}. At the last layer {FIRST} scores {found}; {_sorted(family, AT_LAST)}. "
        f"{best}The mean of all tokens, against {FIRST} at the last layer: "
        f"{family.told(_named(MEAN, AT_LAST))}."
    )


def _answer(family: Family) -> str:
    signs = {name: family.sign(_named(name, AT_LAST)) for name in OTHERS}
    better = [name for name in OTHERS if signs[name] == 1]
    alike = [name for name in OTHERS if signs[name] == 0]
    if better:
        return f"Another does better: {joined(better)}"
    if alike:
        return f"Another does as well, as far as these data can show: {joined(alike)}"
    if None in signs.values():
        return "Nothing can be said: some of these tokens have the same vector for every text"
    return "No other single token does as well as the first"


GROUPS = {1: "better", 0: NO_DIFFERENCE, -1: "worse", None: "without a score to compare"}


def _sorted(family: Family, scope: str) -> str:
    """The other tokens compared there, by what they show against the first."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS.values()}
    for name in OTHERS:
        told = _named(name, scope)
        if told in family.p:
            gain = family[told].difference.value.value
            said = name if gain is None else f"{name} ({gain:+.3f})".replace("-", "−")
            groups[GROUPS[family.sign(told)]].append(said)
    return "; ".join(f"{group}: {joined(names)}" for group, names in groups.items() if names)


def _map(held: Contest, places: Places) -> Chart:
    rows = [
        (k, name, held.test[i].value, held.test[i].low, held.test[i].high, i == _best(held, own))
        for name, own in places.items()
        for k, i in zip(layers(held.encoder), own, strict=True)
    ]
    columns = ("layer", "pool", "value", "low", "high", "best")
    return Chart(
        "heat",
        f"The first token and others, on {held.task.name}",
        {
            "x_label": "token",
            "y_label": "layer",
            "value_label": f"{held.task.score} x 100, test",
            **{column: [row[i] for row in rows] for i, column in enumerate(columns)},
            "tied": [False] * len(rows),
        },
        "Outlined: the layer that each token's score on dev chooses.",
    )


def _forest(held: Contest, family: Family) -> Chart:
    return family.chart(
        "Other tokens against the first",
        x_label=f"difference in {held.task.score}, test",
        reference=FIRST,
    )
