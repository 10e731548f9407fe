"""What a learning curve adds to a finding: from how many rows on the choice is the better one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import log2

from poolwise.charts import LearningCurve, LearningPoint
from poolwise.records import Number
from poolwise.selection.charts import LEVEL
from poolwise.selection.finding_part import FindingPart
from poolwise.selection.learning_curve import CONTENDERS, DRAWS, CurvePoint, LearningCurves
from poolwise.selection.row_samples import TRAINED
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.statistics.holm import holm

CHOICE = "the choice on as many rows"


def learning_curve_part(curves: LearningCurves) -> FindingPart:
    """The curves, from which size on the choice is better than what is used now, and the slope."""
    sentences = [_better_from(curves)]
    if len(curves.points) > 1 and not _is_flat(curves):
        sentences.append(_still_rising(curves))
    return FindingPart(
        sentence="; ".join(sentences),
        numbers=list(_numbers(curves)),
        charts=[_chart(curves)],
        notes=list(_notes(curves)),
    )


def _better_from(curves: LearningCurves) -> str:
    """The smallest size from which on the choice is shown to score higher, by Holm over sizes."""
    selection = curves.selection
    reference = selection.names[selection.reference]
    gains = [curves.difference(point.choice, point.reference) for point in curves.points]
    adjusted = holm([gain.p for gain in gains])
    better = [
        p < LEVEL and (gain.value.value or 0) > 0 for p, gain in zip(adjusted, gains, strict=True)
    ]
    last = curves.points[-1].n
    if all(i == selection.reference for point in curves.points for i in point.chosen):
        return f"with {curves.points[0].n:,} rows as with {last:,} the choice is {reference}"
    if not better[-1]:
        return f"with up to {last:,} rows the choice is not shown to score higher than {reference}"
    first = next(k for k in range(len(better)) if all(better[k:]))
    gain = format_estimate(gains[first].value, sign=True)
    return (
        f"from {curves.points[first].n:,} rows on the choice scores higher than {reference} "
        f"({gain} there)"
    )


def _is_flat(curves: LearningCurves) -> bool:
    """Whether all choices are of one readout that is not trained."""
    chosen = {i for point in curves.points for i in point.chosen}
    return len(chosen) == 1 and not isinstance(curves.selection.task, TRAINED)


def _still_rising(curves: LearningCurves) -> str:
    slope = _slope(curves)
    text = format_estimate(slope, sign=True)
    low, high = slope.low, slope.high
    if low is not None and low > 0:
        return f"twice as many rows brought {text} at the end, so more would still help"
    if high is not None and high < 0:
        return f"twice as many rows brought {text} at the end"
    return f"no more gain by more rows that these data can show ({text} for twice as many)"


def _slope(curves: LearningCurves) -> Estimate:
    """Of the choice's score over the last two sizes, by doubling of the rows."""
    before, last = curves.points[-2:]
    doublings = log2(last.n / before.n)
    return curves.difference(last.choice / doublings, before.choice / doublings).value


def _numbers(curves: LearningCurves) -> Iterator[Number]:
    selection = curves.selection
    score, names = selection.task.score, selection.names
    for point in curves.points:
        where = {"rows": point.n}
        yield Number.of(f"{score} of {CHOICE}", curves.difference(point.choice).value, where)
        gain = curves.difference(point.choice, point.reference).value
        reference = names[selection.reference]
        yield Number.of(f"the choice less {reference}", gain, where, note=_chosen(curves, point))
    if len(curves.points) > 1 and not _is_flat(curves):
        yield Number.of(f"gain in {score} by twice as many rows", _slope(curves), {})


def _chosen(curves: LearningCurves, point: CurvePoint) -> str:
    """``15 choices: mean@-1 in 12, cls@4 in 3``; the most frequent three."""
    counts = Counter(point.chosen).most_common(3)
    names = (f"{curves.selection.names[i]} in {count}" for i, count in counts)
    return f"{len(point.chosen)} choices: {', '.join(names)}"


def _chart(curves: LearningCurves) -> LearningCurve:
    selection = curves.selection
    task, names = selection.task, selection.names
    reference, best = names[selection.reference], names[selection.best_index]
    points = []
    for point in curves.points:
        series = {CHOICE: point.choice, f"{reference}, in use": point.reference}
        if best != reference:
            series[f"{best}, highest"] = point.best
        points += [
            LearningPoint(point.n, name, curves.difference(scores).value)
            for name, scores in series.items()
        ]
        if selection.chance is not None:
            chance = float(selection.chance[selection.report_rows].mean())
            points.append(LearningPoint(point.n, "chance", Estimate(chance)))
    return LearningCurve(
        f"By the rows that are learned from: {task.score} on {task.name}",
        points,
        x_label="rows learned from",
        y_label=f"{task.score}, {task.folds.part}",
        fine_tuned=False,
        caption="With 95 % intervals over rows and draws. Highest: on all rows, and so too good "
        "for having been chosen on them.",
    )


def _notes(curves: LearningCurves) -> Iterator[str]:
    selection = curves.selection
    drawn = f"each size is drawn {DRAWS} times, whole clusters, the smaller within the larger"
    if not isinstance(selection.task, TRAINED):
        yield (
            f"learning curve: {drawn}; the choice among all readouts is made on the rows drawn and "
            f"scored on others; {selection.task.score} trains no probe, so the curves of one "
            "readout are flat"
        )
        return
    yield (
        f"learning curve: {drawn}; probes are trained and their penalty is chosen on the rows "
        f"drawn, and scored on others: for the readout in use, the highest on all rows and the "
        f"{CONTENDERS} that score highest on the rows drawn by probes of all rows, among which the "
        "choice is made"
    )
