"""What a contest of mixes says: verdict, numbers, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from poolwise.charts import Chart, ForestPlot, LayerCurve, LayerCurves
from poolwise.records import Finding, Number
from poolwise.selection.charts import forest_rows
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.tagging.corpus import TaggedCorpus
from poolwise.studies.tagging.experiment import MOST_FREQUENT, SHUFFLED, STATIC, MixScores

LEVEL = 0.05
LINEAR, BILSTM = "a linear head", "a two-layer BiLSTM"


@dataclass(frozen=True, slots=True)
class Answer:
    """A contest under the head of this name, read aloud. ``notes`` come after its own."""

    question: str
    head: str
    contest: MixScores
    corpus: TaggedCorpus
    restarts: int
    notes: Sequence[str] = ()

    @property
    def score(self) -> str:
        """What is measured: entity F1, or accuracy."""
        return self.corpus.scheme.score

    def finding(self) -> Finding:
        """The answer for this head."""
        return Finding(
            study="tagging",
            question=self.question,
            verdict=self._verdict(),
            numbers=[*self._numbers()],
            charts=[*self._charts()],
            notes=[*self._notes(), *self.corpus.splits.notes, *self.corpus.notes, *self.notes],
        )

    def _verdict(self) -> str:
        contest = self.contest
        chosen, last = contest.chosen, contest.last
        found = f"{self.score} {format_estimate(contest.test.estimate(chosen))} with {self.head}"
        if chosen == last:
            return f"The last layer: {found}; no other scored higher on dev."
        gain = contest.test.difference(chosen, last)
        size = format_estimate(gain.value, sign=True)
        if gain.p >= LEVEL:
            return (
                "No difference that these data can show between the last layer and what was best "
                f"on dev, {_the(chosen)}: {found}, a difference of {size}."
            )
        if (gain.value.value or 0) < 0:
            return (
                f"The last layer: {_the(chosen)} was better on dev, but on test has {found}, "
                f"{size} against it."
            )
        return f"Not the last layer but {_the(chosen)}: {found}, {size} against the last layer."

    def _numbers(self) -> Iterator[Number]:
        contest, layer_of = self.contest, {n: k for k, n in self.contest.single.items()}
        others = [mix.name for mix in contest.mixes if mix.name != contest.last]
        for part, scores in (("test", contest.test), ("dev", contest.dev)):
            for name in (*(mix.name for mix in contest.mixes), *contest.controls):
                where: dict[str, str | int] = {"features": name, "head": self.head, "part": part}
                if name in layer_of:
                    where["layer"] = layer_of[name]
                control = name in contest.controls
                yield Number.of(self.score, scores.estimate(name), where, control=control)
        for name in (*others, STATIC, MOST_FREQUENT):
            difference = contest.test.difference(name, contest.last)
            where = {"features": name, "head": self.head, "part": "test"}
            control = name in contest.controls
            yield Number.of(
                f"{self.score} less that of the last layer",
                difference.value,
                where,
                control=control,
            )

    def _charts(self) -> Iterator[Chart]:
        contest = self.contest
        names = [mix.name for mix in contest.mixes if mix.name != contest.last]
        controls = (STATIC, MOST_FREQUENT)
        differences = [
            (name, contest.test.difference(name, contest.last)) for name in (*names, *controls)
        ]
        yield ForestPlot(
            f"Against the last layer, with {self.head}",
            forest_rows(differences, controls=controls),
            x_label=f"difference in {self.score}, test",
            reference=contest.last,
            caption="Differences over the same sentences, with 95 % intervals; Holm over all of "
            "them.",
        )
        layers = sorted(contest.single)
        if layers == list(range(len(layers))):
            yield self._by_layer(layers)

    def _by_layer(self, layers: Sequence[int]) -> LayerCurves:
        scores = self.contest.test
        names = [self.contest.single[layer] for layer in layers]
        curves = [LayerCurve(self.head, [scores.estimate(name) for name in names])]
        for control in (STATIC, MOST_FREQUENT, SHUFFLED):
            flat = [scores.estimate(control)] * len(layers)
            curves.append(LayerCurve(control, flat, control=True))
        return LayerCurves(
            f"What each layer tells of a word, with {self.head}",
            curves,
            y_label=self.score,
            caption=f"{self.score} on the {scores.n:,} sentences of test, with 95 % intervals.",
        )

    def _notes(self) -> Iterator[str]:
        contest = self.contest
        alone = contest.best([mix for mix in contest.mixes if mix.combine == "one"])
        yield (
            f"the best single layer on dev is {_the(alone)}: "
            f"{self.score} {format_estimate(contest.test.estimate(alone))}; last layer "
            f"{format_estimate(contest.test.estimate(contest.last))}"
        )
        controls = ", ".join(
            f"{name} {format_estimate(contest.test.estimate(name))}" for name in contest.controls
        )
        yield f"controls: {controls}"
        starts = f" and {self.restarts} random starts" if self.restarts > 1 else ""
        yield (
            "a word is read at its first sub-token; what is best was chosen on dev, every score "
            f"is on test; intervals resample sentences{starts}"
        )


def _the(name: str) -> str:
    """``the last layer``, ``layer 3``."""
    return name if name.startswith("layer ") else f"the {name}"
