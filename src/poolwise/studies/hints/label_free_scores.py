"""The scores without labels by which people choose a layer, and which way each is to point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.statistics.effective_rank import lidar, rank_me
from poolwise.statistics.geometry import alignment, anisotropy, same_rows, uniformity
from poolwise.statistics.invariance import info_nce, linear_cka
from poolwise.statistics.isotropy import eigenvalue_ratio, iso_score, log_partition_ratio

Array = NDArray[np.float64]

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SampleVectors:
    """One readout's vectors [n, d] of the texts measured.

    ``whole`` and ``shortened`` [m, d] are of those that can lose words: as they are, and without
    a fifth of their words. ``mean_norm`` is that before a last ``l2``. ``pooled`` [n, e] are
    without any steps, and so are ``below``, those of the layer below; None where there is none.
    """

    x: Array
    whole: Array
    shortened: Array
    mean_norm: float
    pooled: Floats
    below: Floats | None = None


@dataclass(frozen=True, slots=True)
class LabelFreeScore:
    """``function`` gives NaN where it is undefined. ``higher``: whether the source holds a higher
    value to be better, or a lower one; declared here, and never turned to fit the labels."""

    name: str
    function: Callable[[SampleVectors], float]
    higher: bool
    source: str


def _mean_cosine(v: SampleVectors) -> float:
    value = anisotropy(v.x).value
    return NAN if value is None else value


def _uniformity(v: SampleVectors) -> float:
    value = uniformity(v.x).value
    return NAN if value is None else value


def _alignment(v: SampleVectors) -> float:
    if len(v.whole) < FEWEST_PAIRS or same_rows(v.whole):
        return NAN
    value = alignment(v.whole, v.shortened).value
    return NAN if value is None else value


def _info_nce(v: SampleVectors) -> float:
    return NAN if len(v.whole) < FEWEST_PAIRS else info_nce(v.whole, v.shortened)


def _lidar(v: SampleVectors) -> float:
    return NAN if len(v.whole) < FEWEST_PAIRS else lidar([v.whole, v.shortened])


def _redundancy(v: SampleVectors) -> float:
    return NAN if v.below is None else linear_cka(v.pooled, v.below)


FEWEST_PAIRS = 10
"""Texts that can lose words, below which nothing is said of alignment."""

LABEL_FREE_SCORES = (
    LabelFreeScore("mean cosine", _mean_cosine, False, "Ethayarajh 2019"),
    LabelFreeScore(
        "partition ratio", lambda v: log_partition_ratio(v.x), True, "Mu & Viswanath 2018"
    ),
    LabelFreeScore("IsoScore", lambda v: iso_score(v.x), True, "Rudman et al. 2022"),
    LabelFreeScore("LOES' isotropy", lambda v: eigenvalue_ratio(v.x), True, "Batra et al. 2026"),
    LabelFreeScore("RankMe", lambda v: rank_me(v.x), True, "Garrido et al. 2023"),
    LabelFreeScore("LiDAR", _lidar, True, "Thilak et al. 2024"),
    LabelFreeScore("uniformity", _uniformity, False, "Wang & Isola 2020"),
    LabelFreeScore("alignment", _alignment, False, "Wang & Isola 2020"),
    LabelFreeScore(
        "alignment + uniformity",
        lambda v: _alignment(v) + _uniformity(v),
        False,
        "Wang & Isola 2020",
    ),
    LabelFreeScore("InfoNCE", _info_nce, False, "Skean et al. 2025"),
    LabelFreeScore(
        "CKA with the layer below", _redundancy, False, "Kornblith et al. 2019, Batra et al. 2026"
    ),
)
"""In the order of reports.

LOES without labels (Batra et al.) takes the layer of the highest isotropy first, and weighs its
redundancy with the layers taken, γ ‖XᵀY‖ / (‖X‖ ‖Y‖), for further ones only: of one readout it is
its isotropy. Redundancy stands here by itself, as centred kernel alignment with the layer below.
"""
