"""The one sentence that a diagnosis begins with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poolwise.doctor.identify import FEWEST_BITS, FEWEST_VALUES, Identification
from poolwise.doctor.map_search import Mapping
from poolwise.doctor.statement import Statement
from poolwise.model import Model

NEAR = 0.5
"""Vectors within this distance, a cosine of 0.875, have something of the readout in them."""


def verdict(
    model: Model,
    found: Identification,
    mapped: Mapping | None,
    readout: str | None,
    differences: Sequence[Statement],
) -> str:
    """What made the vectors, and whether the folder declares it; or that nothing known did."""
    if mapped is not None:
        return f"{mapped.spec} of {model.name} made these vectors, {mapped.after}."
    if not found.identified:
        return _none(model, found)
    start = f"{readout or found.best.name} of {model.name} made these vectors"
    if not differences:
        declares = ", as its folder declares" if model.declared is not None else ""
        return f"{start}{declares}."
    aspects = ", ".join(dict.fromkeys(statement.aspect for statement in differences))
    return f"{start}; not as its folder declares: {aspects}."


def _none(model: Model, found: Identification) -> str:
    if not np.any(found.target.values):
        return "Every vector is zero, whatever the text."
    width, best = found.target.width, found.best
    fewest = FEWEST_BITS if found.target.binary else FEWEST_VALUES
    if width < fewest:
        what = "bits" if found.target.binary else "dimensions"
        return f"Vectors of {width} {what} show no readout; at least {fewest} are needed."
    start = f"No readout of {model.name} that is known here made these vectors"
    if best.error >= NEAR:
        other = f"{start}: another model did, or texts are changed first, by a prompt for instance."
        own = {model.width, *(model.dense_stack.widths if model.dense_stack else ())}
        if width in own:
            return other
        dimensions = " or ".join(map(str, sorted(own)))
        return f"{other} They have {width} dimensions, where the model's have {dimensions}."
    return (
        f"{start}. The nearest, {best.name}, is at a distance of {best.error:.2g}, where "
        f"rounding makes at most {found.tolerance:.2g}: an unknown prompt, int8 arithmetic, or "
        "a model trained on from this one comes so near."
    )
