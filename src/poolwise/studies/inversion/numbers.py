"""The contest → numbers, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import Number
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.statistics.estimate import Estimate
from poolwise.studies.inversion.charts import lengths
from poolwise.studies.inversion.experiment import DecoderScores
from poolwise.studies.inversion.scores import System, SystemScores

Where = Mapping[str, str | int]

PERPLEXITY = "perplexity of the next token"


def numbers(contest: DecoderScores, family: ComparisonFamily) -> list[Number]:
    """Levels, the chosen readout's first, then differences, then levels by length."""
    return [*_levels(contest), *family.numbers(), *_by_length(contest)]


def _levels(contest: DecoderScores) -> Iterator[Number]:
    test = contest.corpus.splits.test
    for who in _in_order(contest):
        yield from _scores(contest.scores, who, {"sentences": len(test)})
        if who in contest.perplexities:
            yield _number(PERPLEXITY, contest.perplexities[who], who, {"sentences": len(test)})


def _by_length(contest: DecoderScores) -> Iterator[Number]:
    for low, high, rows in lengths(contest):
        part = contest.scores.among(rows)
        where: Where = {"tokens": f"{low}–{high}", "sentences": len(rows)}
        for who in _in_order(contest):
            yield from _scores(part, who, where)


def _scores(scores: SystemScores, who: System, where: Where) -> Iterator[Number]:
    for measure in who.measures:
        yield _number(measure, scores.estimate(measure, who), who, where)


def _number(name: str, found: Estimate, who: System, where: Where) -> Number:
    place = {**who.where, **where}
    return Number.of(name, found, place, control=who.control)


def _in_order(contest: DecoderScores) -> list[System]:
    """The chosen readout's contenders first."""
    return sorted(contest.answers, key=lambda who: who.readout != contest.chosen)
