"""What a step after pooling gains: the same readout with it and without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.selection.charts import cleared
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import format_estimate
from poolwise.statistics.paired import Difference

StepGain = tuple[int, int, Difference]
"""A readout with steps, the same without, and the first's score less the second's."""


def step_gains(selection: Selection) -> list[StepGain]:
    """Every chain of steps on the pooled readout that is best without steps, and on the reference
    readouts; of readouts that have a score."""
    readouts = selection.readouts
    plain = [
        i for i in selection.ranking if i < len(readouts) and not without_l2(readouts[i]).steps
    ]
    bases = {*plain[:1], *selection.references.values()}
    scored = np.isfinite(selection.choice_scores)
    return [
        (i, base, selection.differences_from(base)[i])
        for i, base in _step_pairs(selection)
        if base in bases and scored[i] and scored[base]
    ]


def describe_steps(selection: Selection, gains: Sequence[StepGain]) -> Iterator[str]:
    """A note on the step that gains most, or that none is shown to."""
    if not gains:
        return
    clear = cleared([difference for *_, difference in gains])
    positive = [
        gain
        for gain, significant in zip(gains, clear, strict=True)
        if significant and (gain[2].value.value or 0) > 0
    ]
    if not positive:
        yield "no step after pooling is shown to gain anything"
        return
    i, base, difference = max(positive, key=lambda gain: gain[2].value.value or 0)
    step = "|".join(map(str, without_l2(selection.readouts[i]).steps)) or "l2"
    others = len(positive) - 1
    more = f"; {others} other {'step gains' if others == 1 else 'steps gain'} too" if others else ""
    yield (
        f"after pooling, {step} adds {format_estimate(difference.value, sign=True)} to "
        f"{selection.names[base]}{more}"
    )


def _step_pairs(selection: Selection) -> Iterator[tuple[int, int]]:
    """Indices of readouts with steps, and of the same without steps (but a last ``l2``)."""
    for i, readout in enumerate(selection.readouts):
        if readout.steps:
            encoder = selection.candidates[i].encoder
            plain = selection.find_up_to_l2(readout.pooled, encoder)
            if plain is not None and plain != i:
                yield i, plain
