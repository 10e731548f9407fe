"""What the last layer's shape comes to, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import join_words
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


def verdict(last: Sequence[View], width: int) -> str:
    """How alike any two texts are at the last layer, and what makes them so."""
    raw = [view for view in last if view.kind == RAW]
    sentences = [
        f"At the last layer two random texts have a mean cosine of {_values(raw, ANISOTROPY)}",
        _dominance([view for view in raw if view.shape[DOMINANCE].value is not None], width),
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


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
    return f"Of it, {DOMINANT} of the {width} dimensions make {_values(views, DOMINANCE, '.0%')}"


def _values(views: Sequence[View], name: str, form: str = ".3f") -> str:
    return join_words([_value(view, name, form) for view in views])


def _value(view: View, name: str, form: str) -> str:
    estimate = view.shape[name]
    if estimate.value is None:
        return f"nothing that is defined under {view.source}"
    interval = f"[{estimate.low:{form}}, {estimate.high:{form}}]"
    return f"{estimate.value:{form}} {interval} under {view.source}".replace("-", "−", 2)
