"""What a confidence of the doctor means: the share of right answers at each, under noise."""

from __future__ import annotations

from argparse import Namespace
from itertools import pairwise
from typing import Any

import numpy as np
from doctor_cases import cases, identified, stated_confidence
from doctor_models import Models
from page import markdown_table
from rounds import say
from scipy.stats import norm

from poolwise.doctor.evidence import N_PLAIN
from poolwise.statistics.paired import wilson_interval

Row = dict[str, Any]

NOISES = (1e-6, 1e-3, 0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.5, 0.8)
"""Norms of the noise relative to those of the vectors."""

BINS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0)

SETUPS = 2
"""A model, times ``--draws``."""


def measure(models: Models, arguments: Namespace) -> list[Row]:
    """A row for each setup and size of noise, with the plain texts that are sent."""
    count = SETUPS * arguments.draws
    rng = np.random.default_rng(arguments.seed)
    rows: list[Row] = []
    for case in cases(models, count, arguments.seed + 1, ("float32",), arguments.end):
        exact = np.asarray(case.vectors, np.float64)
        scale = np.linalg.norm(exact, axis=1, keepdims=True) / np.sqrt(exact.shape[1])
        for noise in NOISES:
            noisy = exact + noise * scale * rng.normal(size=exact.shape)
            found = identified(case.reader, noisy.astype(np.float32), range(N_PLAIN))
            rows.append(
                {
                    "model": case.model,
                    "setup": str(case.setup),
                    "noise": noise,
                    "confidence": stated_confidence(found),
                    "identified": found.identified,
                    "right": case.right_readout(found),
                    "error": found.error,
                    "found": found.best.name,
                }
            )
        say(f"noise: {case.model}, {case.setup.layers}, {case.setup.pool}")
    return rows


def table(rows: list[Row]) -> str:
    wrong = [row for row in rows if not row["right"]]
    header = (
        f"## Confidence\n\n{len(rows)} identifications of {N_PLAIN} vectors with Gaussian "
        f"noise, from {NOISES[0]:g} to {NOISES[-1]:g} of their norms. *Right* is the nearest "
        "readout's layer, pool and step, with the score interval of 95 %. Of the wrong ones "
        f"{sum(row['identified'] for row in wrong)} of {len(wrong)} are called identified.\n"
    )
    columns = ("confidence", "identifications", "right", "interval", "identified", "and wrong")
    stated = [row for row in rows if row["confidence"] is not None]
    bins = [
        (
            f"{low:g} to {high:g}",
            [r for r in stated if low <= r["confidence"] < high or r["confidence"] == high == 1],
        )
        for low, high in pairwise(BINS)
    ]
    bins.append(("none stated", [row for row in rows if row["confidence"] is None]))
    noises = [(f"{noise:g}", [r for r in rows if r["noise"] == noise]) for noise in NOISES]
    confidences = markdown_table(header, columns, [_counted(*part) for part in bins])
    middle = "\nThe same by the size of the noise:\n"
    return confidences + markdown_table(
        middle, ("noise", *columns[1:]), [_counted(*part) for part in noises]
    )


def _counted(name: str, rows: list[Row]) -> tuple[str, ...]:
    if not rows:
        return (name, "0", "", "", "", "")
    right = sum(row["right"] for row in rows)
    interval = wilson_interval(right / len(rows), len(rows), float(norm.ppf(0.975)))
    identified_rows = [row for row in rows if row["identified"]]
    return (
        name,
        str(len(rows)),
        f"{right / len(rows):.0%}",
        f"{interval.low:.0%} to {interval.high:.0%}",
        str(len(identified_rows)),
        str(sum(not row["right"] for row in identified_rows)),
    )
