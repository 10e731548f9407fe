"""The paired comparisons of systems; Holm corrects all of them together."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.inversion.experiment import InversionResults
from poolwise.studies.inversion.scores import Metric, System

COMPARED_METRICS: tuple[Metric, ...] = ("token F1", "BLEU")
"""Exact matches are too few to compare."""


def compare_systems(results: InversionResults) -> ComparisonFamily:
    """Each decoder with its controls and with the bag, each bag with its own controls, and the
    best readout's decoder with those of the other readouts."""
    return ComparisonFamily([*_comparisons(results)])


def comparison_name(metric: Metric, system: System, baseline: System) -> str:
    """The name of a comparison of two systems."""
    across_readouts = system.readout != baseline.readout != ""
    subtrahend = f"that of {baseline.readout}" if across_readouts else baseline.name
    return f"{metric} of {system.name}, {system.readout}, less {subtrahend}"


def _comparisons(results: InversionResults) -> Iterator[Comparison]:
    best = results.systems[results.best_readout].decoder
    for systems in results.systems.values():
        for metric in COMPARED_METRICS:
            for control in systems.controls:
                if metric in control.metrics:
                    yield _comparison(results, metric, systems.decoder, control)
        yield _comparison(results, "token F1", systems.decoder, systems.bag)
        for control in systems.bag_controls:
            yield _comparison(results, "token F1", systems.bag, control)
    for systems in results.systems.values():
        if systems.decoder != best:
            for metric in COMPARED_METRICS:
                yield _comparison(results, metric, best, systems.decoder)


def _comparison(
    results: InversionResults, metric: Metric, system: System, baseline: System
) -> Comparison:
    same_readout = system.readout == baseline.readout or not baseline.readout
    place = {
        **system.place,
        "against": baseline.name if same_readout else baseline.readout,
        "measure": metric,
    }
    difference = results.scores.difference(metric, system, baseline)
    return Comparison(comparison_name(metric, system, baseline), difference, place)
