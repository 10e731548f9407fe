"""The study's numbers: agreement with deletion first, single heads last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import Number
from poolwise.studies.attention.agreement import SHUFFLED as SHUFFLED_SHARES
from poolwise.studies.attention.agreement import Agreement
from poolwise.studies.attention.attributions import Place
from poolwise.studies.attention.measures import Measures
from poolwise.studies.attention.profiles import SHUFFLED

Labels = Mapping[str, str | int]

AGREEMENT = "agreement with deletion"
SHARE, ATTENTION = "share of [CLS]", "attention of [CLS]"
CORRELATION = "rank correlation of two ways"
ENTROPY = "entropy of attention"
FEED_FORWARD = "norm of the feed-forward term"


def numbers(measures: Measures, agreement: Agreement) -> Iterator[Number]:
    """Agreement with deletion, shares, correlations, every head."""
    yield from _agreement(agreement)
    yield from agreement.family.numbers()
    yield from _shares(measures)
    for (first, second, place), estimate in measures.correlations.items():
        labels: Labels = {"way": first, "other": second, **place_labels(place)}
        yield Number.of(CORRELATION, estimate, labels, control=second == SHUFFLED)
    yield from _heads(measures)
    for block, estimate in measures.feed_forward.items():
        yield Number.of(FEED_FORWARD, estimate, {"layer": block, "relative to": "[CLS]"})


def place_labels(place: Place) -> Labels:
    """The place as labels of a number: its layer, or ``blocks`` for a rollout."""
    return {"layer": place} if isinstance(place, int) else {"blocks": place} if place else {}


def _agreement(agreement: Agreement) -> Iterator[Number]:
    """The candidates by every deletion, then all other columns."""
    candidates, scores = agreement.candidates, agreement.scores
    columns = [(deletion, column) for deletion in scores for column in candidates]
    columns += [
        (d, column) for d, of in scores.items() for column in of if column not in candidates
    ]
    for deletion, column in columns:
        labels: Labels = {"way": column[0], **place_labels(column[1]), "yardstick": deletion}
        estimate = agreement.mean(deletion, column)
        yield Number.of(AGREEMENT, estimate, labels, control=column == SHUFFLED_SHARES)


def _shares(measures: Measures) -> Iterator[Number]:
    for (method, place, name), estimate in measures.shares.items():
        yield Number.of(SHARE, estimate, {"way": method, **place_labels(place), "class": name})
    for name, estimate in measures.tokens.items():
        yield Number.of(SHARE, estimate, {"way": "a uniform head", "class": name}, control=True)


def _heads(measures: Measures) -> Iterator[Number]:
    for block, estimate in measures.entropy.items():
        yield Number.of(ENTROPY, estimate, {"layer": block, "heads": "all"})
    for block, estimate in measures.untrained.items():
        untrained: Labels = {"layer": block, "heads": "all", "encoder": "re-initialised"}
        yield Number.of(ENTROPY, estimate, untrained, control=True)
    for (block, head), estimate in measures.head_entropy.items():
        yield Number.of(ENTROPY, estimate, {"layer": block, "head": head})
    for (block, head, name), estimate in measures.heads.items():
        yield Number.of(ATTENTION, estimate, {"layer": block, "head": head, "class": name})
