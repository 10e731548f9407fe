"""What the last layer's shape comes to, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import Estimate
from poolwise.studies.extent import is_most
from poolwise.studies.geometry.shape import (
    ANISOTROPY,
    DOMINANCE,
    DOMINANT,
    FILLED,
    RAW,
    STANDARDIZED,
    Shape,
    View,
)

ALIKE = ((0.5, "much"), (0.1, "somewhat"), (float("-inf"), "hardly"))
"""How alike two texts are whose cosine lies above the number."""


def verdict(last: Sequence[View]) -> str:
    """How alike any two texts are at the last layer, and whether a few dimensions make them so."""
    raw = [view for view in last if view.kind == RAW]
    readouts: dict[str, list[str]] = {}
    for view in raw:
        readouts.setdefault(_alike(view.shape[ANISOTROPY]), []).append(f"{view.pool}@-1")
    phrases = [f"{alike} under {join_words(names)}" for alike, names in readouts.items()]
    few = [f"{view.pool}@-1" for view in raw if is_most(view.shape[DOMINANCE])]
    dimensions = f"; {DOMINANT} dimensions make most of it under {join_words(few)}" if few else ""
    return f"Two random texts are {join_words(phrases)}{dimensions}."


def _alike(cosine: Estimate) -> str:
    if cosine.value is None:
        return "the same"
    ends = (x if x is not None else cosine.value for x in (cosine.low, cosine.high))
    low, high = (next(word for least, word in ALIKE if end > least) for end in ends)
    return f"{low} alike" if low == high else f"{low} or {high} alike"


def evidence(last: Sequence[View], width: int) -> str:
    """The mean cosine at the last layer, and the share that a few dimensions make."""
    raw = [view for view in last if view.kind == RAW]
    phrases = [
        f"mean cosine of two random texts {_values(raw, ANISOTROPY)}",
        _dominance([view for view in raw if view.shape[DOMINANCE].value is not None], width),
    ]
    return "; ".join(filter(None, phrases))


def shape_notes(last: Sequence[View], lower: Sequence[View], isotropic: Shape) -> Iterator[str]:
    """What standardising leaves, how many dimensions are in use, and where texts are most alike
    below the last layer."""
    raw = [view for view in last if view.kind == RAW]
    scaled = [view for view in last if view.kind == STANDARDIZED]
    yield f"standardising leaves a mean cosine of {_values(scaled, ANISOTROPY)}"
    yield (
        f"the texts fill {_values(raw, FILLED, '.0f')} dimensions, where as many isotropic "
        f"Gaussian vectors fill {isotropic[FILLED].value:.0f}"
    )
    defined = [view for view in lower if view.shape[ANISOTROPY].value is not None]
    if defined:
        peak = max(defined, key=lambda view: view.shape[ANISOTROPY].value or 0)
        estimate = _value(peak, ANISOTROPY, ".3f")
        yield f"below the last layer they are most alike with a mean cosine of {estimate}"


def _dominance(views: Sequence[View], width: int) -> str:
    if not views:
        return ""
    return f"of it, {DOMINANT} of the {width} dimensions make {_values(views, DOMINANCE, '.0%')}"


def _values(views: Sequence[View], name: str, form: str = ".3f") -> str:
    return join_words([_value(view, name, form) for view in views])


def _value(view: View, name: str, form: str) -> str:
    estimate = view.shape[name]
    if estimate.value is None:
        return f"nothing that is defined under {view.source}"
    interval = f"[{estimate.low:{form}}, {estimate.high:{form}}]"
    return f"{estimate.value:{form}} {interval} under {view.source}".replace("-", "−", 2)
