"""What the choices of halves of the rows add to a finding: how often two of them agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from poolwise.charts import TextTable
from poolwise.records import Number
from poolwise.selection.finding_part import FindingPart
from poolwise.selection.outcome import MARGIN
from poolwise.selection.repeats import HalfChoice, Repeats, agreement, share
from poolwise.selection.selection import Selection

MOST_ROWS = 12
"""Of the table."""


def repeats_part(repeats: Repeats) -> FindingPart:
    """How often two halves agree, beside readouts that are equal; which readouts they chose."""
    rows = f"{repeats.n_rows:,} rows"
    return FindingPart(
        sentence=_sentence(repeats),
        numbers=list(_numbers(repeats)),
        charts=[_table(repeats)],
        notes=[
            f"a repeat divides the rows into two halves of {rows}, as folds do it, and chooses on "
            "either; what was trained stays as it is. How often both agree says how often two "
            "samples of that size do; twice as many rows agree more often where one readout is "
            "better. Intervals are of the repeats: another data set of this size moves these "
            "shares further",
            "readouts of equal scores are the same ones with the sign of each row's differences "
            "drawn at random. They agree often too, for the readout in use stays where none is "
            "shown to be better",
        ],
    )


def _parts(selection: Selection) -> Mapping[str, Callable[[HalfChoice], object]]:
    readouts, models = selection.readouts, selection.models
    of_models = {"model": lambda half: models[half.chosen]} if len(selection.encoders) > 1 else {}
    return {
        "readout": lambda half: half.chosen,
        **of_models,
        "layer": lambda half: (models[half.chosen], str(readouts[half.chosen].layers)),
        "pool": lambda half: str(readouts[half.chosen].pool),
        "decision": lambda half: half.decision,
        "highest score": lambda half: half.highest,
    }


def _sentence(repeats: Repeats) -> str:
    parts, n = _parts(repeats.selection), len(repeats.pairs)
    larger = "model" if "model" in parts else "layer"
    same, alike = (agreement(repeats.pairs, parts[name]) for name in ("readout", larger))
    equal = agreement(repeats.equal_pairs, parts["readout"])
    name = repeats.selection.names[repeats.selection.chosen_index]
    opening = "two separate halves of the rows"
    counts = f"in {same:,} of {n:,} repeats (readouts of equal scores: {equal:,})"
    if list(repeats.frequencies) == [repeats.selection.chosen_index]:
        return f"{opening} both chose {name} {counts}"
    worst = max(repeats.losses.max(), 0.0)
    return (
        f"{opening} chose the same readout {counts} and the same {larger} in {alike:,}; no choice "
        f"of a half lost more than {worst:.3f} against {name} on the other half"
    )


def _numbers(repeats: Repeats) -> Iterator[Number]:
    selection, n = repeats.selection, len(repeats.pairs)
    where = {"part": f"halves of {repeats.n_rows:,} rows"}
    for name, part in _parts(selection).items():
        for pairs, control in ((repeats.pairs, False), (repeats.equal_pairs, True)):
            count = agreement(pairs, part)
            equal = ", of readouts of equal scores" if control else ""
            yield Number.of(
                f"share of repeats with the same {name}{equal}",
                share(count, n),
                where,
                control=control,
                note=f"{count:,} of {n:,} repeats",
            )
    losses = repeats.losses
    near = int((losses <= MARGIN).sum())
    yield Number.of(
        f"share of halves whose choice loses at most {MARGIN:g} on the other half",
        share(near, len(losses)),
        where,
        note=f"{near:,} of {len(losses):,} halves",
    )
    yield Number(
        "largest loss of a half's choice on the other half", float(losses.max()), where=where
    )
    yield Number(
        "mean loss of a half's choice on the other half", float(losses.mean()), where=where
    )


def _table(repeats: Repeats) -> TextTable:
    selection, n = repeats.selection, 2 * len(repeats.pairs)
    rows = [
        (
            selection.names[i],
            f"{count:,}",
            f"{count / n:.0%}",
            f"{selection.dimensions[i]:,}",
            f"{selection.cost(i):.0%}",
        )
        for i, count in list(repeats.frequencies.items())[:MOST_ROWS]
    ]
    return TextTable(
        "What halves of the rows chose",
        ("readout", f"of {n:,} halves", "share", "dimensions", "blocks run"),
        rows,
        caption=f"Each half, {repeats.n_rows:,} rows, chose by the rule that all rows chose by: "
        "the readout in use, unless another is shown to be better.",
    )
