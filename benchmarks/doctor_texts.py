"""How many plain probe texts the doctor needs."""

from __future__ import annotations

import random
from argparse import Namespace
from collections import defaultdict
from typing import Any

from doctor_cases import Case, cases, stated_confidence
from doctor_models import Models
from page import markdown_table
from rounds import say

from poolwise.doctor.evidence import N_PLAIN
from poolwise.doctor.probe_texts import PLAIN

Row = dict[str, Any]

NUMBERS = (1, 2, 3, 4, 6, 8, 12, 24)


def measure(models: Models, arguments: Namespace) -> list[Row]:
    """A row for each setup and number of texts: the first as they are sent, or some by chance."""
    rows: list[Row] = []
    for number, case in enumerate(
        cases(models, arguments.draws, arguments.seed, end=arguments.end)
    ):
        by_chance = random.Random(number).sample(range(len(PLAIN)), len(PLAIN))
        order = by_chance if number % 2 else list(range(len(PLAIN)))
        rows += [_row(case, number, order[:n]) for n in NUMBERS]
        say(f"texts: setup {number}, {case.model}, {case.setup.precision}")
    return rows


def _row(case: Case, number: int, chosen: list[int]) -> Row:
    found = case.identified(chosen)
    return {
        "case": number,
        "model": case.model,
        "setup": str(case.setup),
        "precision": case.setup.precision,
        "texts": len(chosen),
        "identified": found.identified,
        "readout": case.right_readout(found),
        "prompt": case.right_prompt(found),
        "confidence": stated_confidence(found),
        "error": found.error,
        "found": f"{found.best.name} after {found.best.reading.prompt!r}",
    }


def table(rows: list[Row]) -> str:
    by_number: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_number[row["texts"]].append(row)
    setups = len({row["case"] for row in rows})
    header = (
        f"## Plain probe texts\n\n{setups} setups by chance, every second one with the first of "
        f"the {len(PLAIN)} plain texts, the others with some by chance; a diagnosis sends the "
        f"first {N_PLAIN}. *Wrong* are identified, with another layer, pool, step after it, or "
        f"prompt. {_least(by_number)}\n"
    )
    shown = [
        (
            str(number),
            *(f"{sum(r[key] for r in some)} of {len(some)}" for key in ("readout", "prompt")),
            str(sum(not r["identified"] for r in some)),
            str(sum(_wrong(r) for r in some)),
            _lowest(some),
            _lowest([r for r in some if not _wrong(r)]),
        )
        for number, some in sorted(by_number.items())
    ]
    columns = (
        "texts",
        "layer and pool right",
        "prompt right",
        "not identified",
        "wrong",
        "lowest confidence",
        "of right ones",
    )
    wrong = [
        f"- {r['texts']} texts, {r['model']}: {r['found']} ({r['error']:.1e}), made by {r['setup']}"
        for r in rows
        if _wrong(r) or (r["texts"] == max(NUMBERS) and not r["identified"])
    ]
    listed = ["\nWrong, or not identified with all texts:\n", *wrong, ""] if wrong else []
    return markdown_table(header, columns, shown) + "\n".join(listed)


def _lowest(rows: list[Row]) -> str:
    stated = [row["confidence"] for row in rows if row["confidence"] is not None]
    return f"{min(stated):.3f}" if stated else ""


def _wrong(row: Row) -> bool:
    return row["identified"] and not (row["readout"] and row["prompt"])


def _least(by_number: dict[int, list[Row]]) -> str:
    """The least number from which on nothing is wrong that all texts get right."""
    good = {r["case"] for r in by_number[max(NUMBERS)] if not _failed(r)}
    least = max(NUMBERS)
    for number in reversed(NUMBERS):
        if any(_failed(r) for r in by_number[number] if r["case"] in good):
            break
        least = number
    return f"From {least} on, every setup that all texts tell is told."


def _failed(row: Row) -> bool:
    return not (row["identified"] and row["readout"] and row["prompt"])
