"""Who is compared with whom, all corrected together."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.inversion.experiment import DecoderScores
from poolwise.studies.inversion.scores import Metric, System

LED: tuple[Metric, ...] = ("token F1", "BLEU")
"""What is compared; exact matches are too few."""


def compared(contest: DecoderScores) -> ComparisonFamily:
    """Each decoder with its controls and with the bag, each bag with its own controls, and the
    chosen readout's decoder with those of the others."""
    return ComparisonFamily([*_comparisons(contest)])


def title(measure: Metric, who: System, against: System) -> str:
    """The name of a comparison."""
    other = f"that of {against.readout}" if who.readout != against.readout != "" else against.name
    return f"{measure} of {who.name}, {who.readout}, less {other}"


def _comparisons(contest: DecoderScores) -> Iterator[Comparison]:
    entries = contest.entries
    best = entries[contest.chosen].decoder
    for entry in entries.values():
        for measure in LED:
            for control in entry.controls:
                if measure in control.measures:
                    yield _comparison(contest, measure, entry.decoder, control)
        yield _comparison(contest, "token F1", entry.decoder, entry.bag)
        for control in entry.bag_controls:
            yield _comparison(contest, "token F1", entry.bag, control)
    for entry in entries.values():
        if entry.decoder != best:
            for measure in LED:
                yield _comparison(contest, measure, best, entry.decoder)


def _comparison(
    contest: DecoderScores, measure: Metric, who: System, against: System
) -> Comparison:
    same = who.readout == against.readout or not against.readout
    where = {
        **who.where,
        "against": against.name if same else against.readout,
        "measure": measure,
    }
    difference = contest.scores.difference(measure, who, against)
    return Comparison(title(measure, who, against), difference, where)
