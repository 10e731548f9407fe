"""The readout in its own grammar, from what was identified."""

from __future__ import annotations

import re

from poolwise.doctor.identify import Identification
from poolwise.doctor.reader import Reader
from poolwise.errors import ReadoutError
from poolwise.readouts import Readout, parse


def recomposed(reader: Reader, found: Identification) -> Readout | None:
    """The readout that computes the found vectors; None where the grammar cannot write it."""
    if found.best.after.steps is None or found.scales is not None:
        return None
    pooled = found.best.pooled
    kind = "as pooled" if hides_norms(found) else found.lengths.kind
    if kind == "scaled" and (summed := _summed(reader, pooled, found.lengths.factor)):
        pooled = summed
    elif kind in ("scaled", "grows with tokens", "grows with √tokens") or (
        kind == "?" and not found.target.binary
    ):
        return None
    try:
        readout = parse(pooled + found.best.after.steps)
        width = reader.model.width_of(readout)
        cut = f"|truncate({found.target.width})" if found.target.width < width else ""
        ends = {"l2": f"{cut}|l2", "l2 before the cut": f"|l2{cut}"}
        end = "|binary" if found.target.binary else ""
        return parse(f"{readout}{ends.get(kind, cut)}{end}")
    except ReadoutError:
        return None


def hides_norms(found: Identification) -> bool:
    """Whether values are whole numbers, whose scale says nothing of the vectors' norms."""
    return found.target.format.kind in ("int8", "uint8")


def _summed(reader: Reader, pooled: str, factor: float) -> str:
    """``sum`` in place of ``avg``, where the factor is the number of layers."""
    if "@avg(" not in pooled:
        return ""
    layers = parse(pooled).layer_indices(reader.model.depth)
    return re.sub("@avg", "@sum", pooled) if abs(factor - len(layers)) < 0.01 * factor else ""
