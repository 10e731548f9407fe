"""The verdict on the first token, and the notes that go with it."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import NO_DIFFERENCE, ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.first.comparisons import AT_BEST, AT_LAST, Candidates, comparison_name
from poolwise.studies.first.rearrangements import (
    ANOTHER,
    PLACES,
    THE_PLACE,
    THE_TOKEN,
    WITHOUT,
    Rearrangements,
)
from poolwise.studies.first.tokens import ALONE, FIRST, MEAN, OTHERS

COUNTS = {
    (True, True): "Both count, the token and its place",
    (True, False): "The token counts, its place is not shown to",
    (False, True): "The place counts, the token is not shown to",
    (False, False): "Neither the token nor its place is shown to count by itself",
}
GROUPS = {1: "better", 0: NO_DIFFERENCE, -1: "worse", None: "without a score to compare"}


def of_tokens(family: ComparisonFamily) -> str:
    """Whether another token does as well, at the last layer."""
    signs = {name: family.sign(comparison_name(name, FIRST)) for name in OTHERS}
    better = [name for name in OTHERS if signs[name] == 1]
    alike = [name for name in OTHERS if signs[name] == 0]
    if better:
        verb = "scores" if len(better) == 1 else "score"
        return f"At the last layer {join_words(better)} {verb} higher than the first token."
    if alike:
        verb = "is" if len(alike) == 1 else "are"
        names = join_words(alike)
        return f"At the last layer {names} {verb} not shown to be worse than the first token."
    if None in signs.values():
        return "Some tokens have the same vector for every text, so nothing is known of the first."
    return "No other single token does as well as the first."


def evidence_of_tokens(candidates: Candidates, family: ComparisonFamily) -> str:
    """The first token's score at the last layer, the others' and the mean's against it."""
    selection, first = candidates.selection, candidates.last(FIRST)
    task, score = selection.task, format_estimate(selection.scores[first])
    others = [_gain(family, name, AT_LAST) for name in OTHERS]
    mean = family.describe(comparison_name(MEAN, FIRST))
    return (
        f"{selection.names[first]} {task.score} {score} on {task.name}; against it "
        f"{join_words(others)}; the mean of all: {mean}"
    )


def of_places(family: ComparisonFamily) -> str:
    """What counts, the token or its place, and what its absence does to the rest."""
    without = family.describe(comparison_name(WITHOUT.name, MEAN))
    return f"{_what_counts(family, AT_LAST)}; the mean without [CLS]: {without}"


def notes_on_tokens(family: ComparisonFamily) -> Iterator[str]:
    """The other tokens by what they show against the first."""
    for scope, where in ((AT_LAST, "at the last layer"), (AT_BEST, "each at its best layer")):
        if groups := _sorted(family, scope):
            yield f"against {FIRST}, {where}: {groups}"
    yield "each one's best layer is its own, among the layers measured"
    yield f"the control is {ALONE}, the first word before any block has read the rest"
    yield "measured on frozen vectors; what another token can learn, `poolwise ask tuned` asks"


def notes_on_places(
    family: ComparisonFamily, rearrangements: Rearrangements, layer: int
) -> Iterator[str]:
    """What counts below the last layer, what becomes of the vectors, how to read the rest."""
    if {comparison_name(*pair, AT_BEST) for pair in (THE_TOKEN, THE_PLACE)} <= set(
        family.adjusted_p
    ):
        yield f"each at its best layer: {_what_counts(family, AT_BEST)}"
    own = [place.name for place in PLACES if place.against == FIRST]
    alike = [f"{name}: {format_estimate(rearrangements.cosines[name])}" for name in own]
    other = format_estimate(rearrangements.cosines[ANOTHER.format(FIRST)])
    yield f"mean cosine to cls@{layer} untouched: {'; '.join(alike)}; another text's cls: {other}"
    yield (
        "the encoder was not trained on rearranged texts: a loss says what it has learned to "
        "expect, not what it could learn"
    )


def _what_counts(family: ComparisonFamily, scope: str) -> str:
    token, place = comparison_name(*THE_TOKEN, scope), comparison_name(*THE_PLACE, scope)
    return (
        f"{COUNTS[family.sign(token) == 1, family.sign(place) == 1]}: "
        f"[CLS] in the middle against a word there: {family.describe(token)}, "
        f"a word in front against one in the middle: {family.describe(place)}"
    )


def _sorted(family: ComparisonFamily, scope: str) -> str:
    """``worse: token[1] (−0.041) and sep (−0.020)``."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS.values()}
    for name in OTHERS:
        comparison = comparison_name(name, FIRST, scope)
        if comparison in family.adjusted_p:
            groups[GROUPS[family.sign(comparison)]].append(_gain(family, name, scope))
    return "; ".join(f"{group}: {join_words(names)}" for group, names in groups.items() if names)


def _gain(family: ComparisonFamily, name: str, scope: str) -> str:
    gain = family[comparison_name(name, FIRST, scope)].difference.value.value
    return name if gain is None else f"{name} ({gain:+.3f})".replace("-", "−")
