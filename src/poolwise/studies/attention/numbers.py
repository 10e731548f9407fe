"""Measures → numbers, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import Number
from poolwise.studies.attention.agreement import SHUFFLED as SHUFFLED_SHARES
from poolwise.studies.attention.agreement import Agreement
from poolwise.studies.attention.attributions import Place
from poolwise.studies.attention.measures import Measures
from poolwise.studies.attention.profiles import SHUFFLED

Where = Mapping[str, str | int]

AGREEMENT = "agreement with deletion"
SHARE, ATTENTION = "share of [CLS]", "attention of [CLS]"
CORRELATION = "rank correlation of two ways"
ENTROPY = "entropy of attention"
FEED_FORWARD = "norm of the feed-forward term"


def numbers(measures: Measures, agreed: Agreement) -> Iterator[Number]:
    """All of them: agreement with deletion, shares, correlations, every head."""
    yield from _agreement(agreed)
    yield from agreed.family.numbers()
    yield from _shares(measures)
    for (first, second, place), found in measures.alike.items():
        where: Where = {"way": first, "other": second, **at(place)}
        yield Number.of(CORRELATION, found, where, control=second == SHUFFLED)
    yield from _heads(measures)
    for block, found in measures.added.items():
        yield Number.of(FEED_FORWARD, found, {"layer": block, "relative to": "[CLS]"})


def at(place: Place) -> Where:
    """Where in the encoder."""
    return {"layer": place} if isinstance(place, int) else {"blocks": place} if place else {}


def _agreement(agreed: Agreement) -> Iterator[Number]:
    """The contenders by every yardstick, then all other columns."""
    first = agreed.contenders
    every = [(y, column) for y in agreed.scores for column in first]
    every += [(y, c) for y, scores in agreed.scores.items() for c in scores if c not in first]
    for yardstick, column in every:
        where: Where = {"way": column[0], **at(column[1]), "yardstick": yardstick}
        found = agreed.mean(yardstick, column)
        yield Number.of(AGREEMENT, found, where, control=column == SHUFFLED_SHARES)


def _shares(measures: Measures) -> Iterator[Number]:
    for (way, place, name), found in measures.shares.items():
        yield Number.of(SHARE, found, {"way": way, **at(place), "class": name})
    for name, found in measures.tokens.items():
        yield Number.of(SHARE, found, {"way": "a uniform head", "class": name}, control=True)


def _heads(measures: Measures) -> Iterator[Number]:
    for block, found in measures.entropy.items():
        yield Number.of(ENTROPY, found, {"layer": block, "heads": "all"})
    for block, found in measures.untrained.items():
        untrained: Where = {"layer": block, "heads": "all", "encoder": "re-initialised"}
        yield Number.of(ENTROPY, found, untrained, control=True)
    for (block, head), found in measures.head_entropy.items():
        yield Number.of(ENTROPY, found, {"layer": block, "head": head})
    for (block, head, name), found in measures.heads.items():
        yield Number.of(ATTENTION, found, {"layer": block, "head": head, "class": name})
