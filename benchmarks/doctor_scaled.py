"""How many plain texts tell a readout whose every dimension is scaled by itself."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

import numpy as np
from doctor_cases import Case, cases
from doctor_models import Models
from numpy.typing import NDArray
from page import markdown_table
from rounds import say

from poolwise.doctor.probe_texts import PLAIN

Row = dict[str, Any]

NUMBERS = (8, 12, 24)


def measure(models: Models, arguments: Namespace) -> list[Row]:
    """A row for each setup, kind of scaling and number of texts."""
    rows: list[Row] = []
    drawn = cases(models, 4 * arguments.draws, arguments.seed + 2, ("float32",), arguments.end)
    for number, case in enumerate(filter(_single, drawn)):
        for kind, made in _scaled(np.asarray(case.vectors, np.float64)).items():
            scaled = replace(case, vectors=made)
            for n in NUMBERS:
                found = scaled.identified(range(n))
                rows.append(
                    {
                        "case": number,
                        "model": case.model,
                        "setup": str(case.setup),
                        "kind": kind,
                        "texts": n,
                        "identified": found.identified,
                        "scaled": found.scales is not None,
                        "right": case.right_readout(found),
                        "error": found.error,
                    }
                )
        say(f"scaled: {case.model}, {case.setup.layers}, {case.setup.pool}")
    return rows


def _single(case: Case) -> bool:
    """One layer, nothing after it but a cut, no prompt: what is looked for in scaled dimensions."""
    setup = case.setup
    steps = all(step.startswith("truncate") for step in setup.steps)
    return len(setup.layers) == 1 and steps and not setup.prompt and setup.special == "all"


def _scaled(vectors: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    low, high = vectors.min(axis=0), vectors.max(axis=0)
    steps = np.maximum(high - low, 1e-9) / 255
    spread = np.maximum(vectors.std(axis=0), 1e-9)
    return {
        "standardised": ((vectors - vectors.mean(axis=0)) / spread).astype(np.float32),
        "int8 over ranges": np.floor((vectors - low) / steps - 128).clip(-128, 127).astype(np.int8),
    }


def table(rows: list[Row]) -> str:
    header = (
        f"## Scaled dimensions\n\nVectors of {len({r['case'] for r in rows})} setups whose every "
        f"dimension is scaled and shifted over {len(PLAIN)} texts: how many are identified, and "
        "how many of those with the right layer and pool.\n"
    )
    kinds = list(dict.fromkeys(r["kind"] for r in rows))
    shown = []
    for number in NUMBERS:
        some = {k: [r for r in rows if r["texts"] == number and r["kind"] == k] for k in kinds}
        counts = [
            value
            for part in some.values()
            for value in (
                f"{sum(r['identified'] for r in part)} of {len(part)}",
                str(sum(r["identified"] and r["right"] for r in part)),
            )
        ]
        shown.append((str(number), *counts))
    columns = ("texts", *(name for kind in kinds for name in (kind, "right")))
    return markdown_table(header, columns, shown)
