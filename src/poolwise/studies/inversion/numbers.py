"""The numbers of an inversion finding, the best readout's first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import Number
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.statistics.estimate import Estimate
from poolwise.studies.inversion.charts import lengths
from poolwise.studies.inversion.experiment import InversionResults
from poolwise.studies.inversion.scores import System, SystemScores

Place = Mapping[str, str | int]

PERPLEXITY = "perplexity of the next token"


def numbers(results: InversionResults, family: ComparisonFamily) -> list[Number]:
    """The scores of every system, their differences, then the scores by length."""
    return [*_all_lengths(results), *family.numbers(), *_by_length(results)]


def _all_lengths(results: InversionResults) -> Iterator[Number]:
    place: Place = {"sentences": len(results.corpus.splits.test)}
    for system in _in_order(results):
        yield from _scores(results.scores, system, place)
        if system in results.perplexities:
            yield _number(PERPLEXITY, results.perplexities[system], system, place)


def _by_length(results: InversionResults) -> Iterator[Number]:
    for low, high, rows in lengths(results):
        scores = results.scores.subset(rows)
        place: Place = {"tokens": f"{low}–{high}", "sentences": len(rows)}
        for system in _in_order(results):
            yield from _scores(scores, system, place)


def _scores(scores: SystemScores, system: System, place: Place) -> Iterator[Number]:
    for metric in system.metrics:
        yield _number(metric, scores.estimate(metric, system), system, place)


def _number(name: str, estimate: Estimate, system: System, place: Place) -> Number:
    return Number.of(name, estimate, {**system.place, **place}, control=system.control)


def _in_order(results: InversionResults) -> list[System]:
    """The best readout's systems first."""
    return sorted(results.hypotheses, key=lambda system: system.readout != results.best_readout)
