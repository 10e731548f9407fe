"""What the last layer's shape comes to, in words."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.studies.comparisons import joined
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


def verdict(last: Sequence[View], lower: Sequence[View], isotropic: Shape, width: int) -> str:
    """How alike any two texts are, what makes them so, and how many dimensions are in use: of the
    last layer, and where they are most alike below it."""
    raw = [view for view in last if view.kind == RAW]
    scaled = [view for view in last if view.kind == STANDARDIZED]
    sentences = [
        f"At the last layer two random texts have a mean cosine of {_said(raw, ANISOTROPY)}",
        _dominance([view for view in raw if view.shape[DOMINANCE].value is not None], width),
        f"Standardising leaves {_said(scaled, ANISOTROPY)}",
        f"The texts fill {_said(raw, FILLED, '.0f')} dimensions, where as many isotropic Gaussian "
        f"vectors fill {isotropic[FILLED].value:.0f}",
        _narrowest([view for view in lower if view.shape[ANISOTROPY].value is not None]),
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _dominance(views: Sequence[View], width: int) -> str:
    if not views:
        return ""
    return f"Of it, {DOMINANT} of the {width} dimensions make {_said(views, DOMINANCE, '.0%')}"


def _narrowest(views: Sequence[View]) -> str:
    if not views:
        return ""
    most = max(views, key=lambda view: view.shape[ANISOTROPY].value or 0)
    return f"Below the last layer they are most alike with {_one(most, ANISOTROPY, '.3f')}"


def _said(views: Sequence[View], name: str, form: str = ".3f") -> str:
    return joined([_one(view, name, form) for view in views])


def _one(view: View, name: str, form: str) -> str:
    found = view.shape[name]
    if found.value is None:
        return f"nothing that is defined under {view.source}"
    interval = f"[{found.low:{form}}, {found.high:{form}}]"
    return f"{found.value:{form}} {interval} under {view.source}".replace("-", "−", 2)
