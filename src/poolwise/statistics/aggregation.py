"""One correlation over a collection of subsets, the three ways in which papers take it.

They differ by points: "all" puts the subsets end to end and takes one correlation (SBERT, SimCSE);
"mean" averages the subsets' correlations (WhiteningBERT); "wmean" weights them by their numbers of
rows (BERT-flow, BERT-whitening). Say which one a figure is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.correlation import fisher_interval, pearson_influence, spearman_influence
from poolwise.statistics.estimate import CONSTANT, Estimate, is_constant

Array = NDArray[np.float64]

Aggregation = Literal["all", "mean", "wmean"]
Correlation = Literal["spearman", "pearson"]

_INFLUENCES: Mapping[Correlation, Callable[[Array, Array], tuple[float, Array]]] = {
    "spearman": spearman_influence,
    "pearson": pearson_influence,
}


def aggregate(
    x: ArrayLike,
    y: ArrayLike,
    subsets: Sequence[str],
    aggregation: Aggregation,
    correlation: Correlation = "spearman",
    *,
    groups: ArrayLike | None = None,
) -> Estimate:
    """The correlation of x [n] with y [n], ``subsets`` naming where each row belongs, [n].

    Undefined if x or y is constant, or one of the subsets to be averaged is, or has fewer than
    three rows; the note names it. The interval is drawn on Fisher's z scale from the rows'
    influences and takes the subsets as given: it is of other rows, not of other collections.
    ``groups`` names rows that are not independent (see ``clusters``).
    """
    if reason := undefined_reason(x, y, subsets, aggregation):
        return Estimate(None, note=reason)
    return fisher_interval(*aggregate_influence(x, y, subsets, aggregation, correlation), groups)


def aggregate_influence(
    x: ArrayLike,
    y: ArrayLike,
    subsets: Sequence[str],
    aggregation: Aggregation,
    correlation: Correlation = "spearman",
) -> tuple[float, Array]:
    """The same number and each row's influence on it, [n] with mean 0.

    For ``paired.compared``. Defined where ``undefined_reason`` finds nothing.
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    value, influence = 0.0, np.zeros(len(a))
    for rows, weight in _weighted(subsets, aggregation, len(a)).values():
        correlation_value, own = _INFLUENCES[correlation](a[rows], b[rows])
        value += weight * correlation_value
        influence[rows] = weight * len(a) / len(own) * own
    return value, influence


def undefined_reason(
    x: ArrayLike, y: ArrayLike, subsets: Sequence[str], aggregation: Aggregation
) -> str:
    """Why there is no such correlation; empty where there is one."""
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    for name, (rows, _) in _weighted(subsets, aggregation, len(a)).items():
        where = f" in {name}" if name else ""
        if len(a[rows]) < 3:
            return f"fewer than 3 rows{where}"
        if is_constant(a[rows]) or is_constant(b[rows]):
            return f"{CONSTANT}{where}"
    return ""


def _weighted(
    subsets: Sequence[str], aggregation: Aggregation, n: int
) -> dict[str, tuple[NDArray[np.bool_], float]]:
    """The rows of each subset, and its weight."""
    named = np.asarray(subsets, np.str_)
    if len(named) != n:
        raise ValueError(f"{len(named)} names of subsets for {n} rows")
    if aggregation == "all":
        return {"": (np.ones(n, np.bool_), 1.0)}
    members = {str(name): named == name for name in np.unique(named)}
    return {
        name: (rows, 1 / len(members) if aggregation == "mean" else float(rows.mean()))
        for name, rows in members.items()
    }
