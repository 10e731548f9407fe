"""The finding of a selection: which readout to take, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot
from poolwise.records import Finding, Number
from poolwise.selection.charts import LEVEL, cleared, forest_rows, heat_map, ranking
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import REFERENCE_READOUTS, Selection, step_pairs
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.statistics.paired import Difference


def selection_finding(
    selection: Selection,
    *,
    study: str,
    question: str,
    numbers: Sequence[Number] = (),
    charts: Sequence[Chart] = (),
    notes: Sequence[str] = (),
) -> Finding:
    """Verdict, numbers, charts and notes of the selection, with what the study adds to them."""
    splits, gains = selection.task.splits, _step_gains(selection)
    return Finding(
        study=study,
        question=question,
        verdict=" ".join([_verdict(selection), _steps_verdict(selection, gains)]).strip(),
        numbers=[*_chosen(selection), *_regrets(selection), *numbers, *_scores(selection)],
        charts=[heat_map(selection), ranking(selection), *_forests(selection, gains), *charts],
        notes=[*splits.notes, *_cheaper(selection), *notes],
        provenance={
            "data": selection.task.name,
            "rows": {name: len(getattr(splits, name)) for name in ("train", "dev", "test")},
            "readouts": len(selection.readouts),
        },
    )


def _verdict(selection: Selection) -> str:
    chosen, best = selection.chosen_index, selection.best_index
    name, task = selection.names[chosen], selection.task
    score = f"{task.score} {format_estimate(selection.test_scores[chosen])} on {task.name}"
    key = next(key for key in REFERENCE_READOUTS if key in selection.references)
    reference = selection.references[key]
    suffix = _declared_suffix(selection) if key == "declared" else ""
    if chosen in selection.references.values() and chosen != best:
        best_name = selection.names[best]
        return (
            f"Keep {name}{suffix}: {score}; the best on dev, {best_name}, cannot be told from it."
        )
    if chosen == reference:
        return f"Keep {name}{suffix}: {score}; no readout scored higher on dev."
    difference = selection.differences_from(reference)[chosen]
    gain = format_estimate(difference.value, sign=True)
    reference_name = f"{selection.names[reference]}{suffix}"
    if not difference.p <= LEVEL:
        return (
            f"Take {name}: {score}. On dev it beats {reference_name}; on test the difference, "
            f"{gain}, is none that these data can show."
        )
    if (difference.value.value or 0) < 0:
        return (
            f"Take care: on dev {name} beats {reference_name}, on test it scores {gain} against it."
        )
    return f"Take {name}: {score}, {gain} more than {reference_name}."


def _declared_suffix(selection: Selection) -> str:
    """A grid of the user's own may hold the declared readout without its l2 only."""
    declared = selection.encoder.declared
    complete = declared is not None and selection.find(declared) is not None
    return " (what the model declares)" if complete else " (what the model declares, less its l2)"


def _chosen(selection: Selection) -> Iterator[Number]:
    score, chosen = selection.task.score, selection.chosen_index
    labels = [("the chosen readout", chosen), *selection.references.items()]
    for label, i in labels:
        if label != "declared":
            yield _number(
                f"{score} of {label}", selection.test_scores[i], selection.names[i], "test"
            )


def _regrets(selection: Selection) -> Iterator[Number]:
    """What staying with a reference readout costs."""
    for key, i in selection.references.items():
        difference = selection.differences_from(i)[selection.chosen_index]
        yield _number(f"regret of {key}", difference.value, selection.names[i], "test")


def _scores(selection: Selection) -> Iterator[Number]:
    score = selection.task.score
    for i in selection.ranking:
        name, control = selection.names[i], i >= len(selection.readouts)
        yield _number(score, selection.test_scores[i], name, "test", control=control)
        yield _number(score, selection.dev_scores[i], name, "dev", control=control)
        estimate = selection.all_rows_scores[i]
        if estimate is not None:
            yield _number(score, estimate, name, "all rows")


def _number(
    name: str, estimate: Estimate, readout: str, split: str, *, control: bool = False
) -> Number:
    where = {"readout": readout, "part": split}
    return Number.of(name, estimate, where, control=control)


StepGain = tuple[int, int, Difference]
"""A readout with steps, the same without, and the first's score less the second's on test."""


def _step_gains(selection: Selection) -> list[StepGain]:
    """Every chain of steps on the pooled readout that is best on dev without steps, and on the
    reference readouts."""
    readouts = selection.readouts
    plain = [
        i for i in selection.ranking if i < len(readouts) and not without_l2(readouts[i]).steps
    ]
    bases = {*plain[:1], *selection.references.values()}
    return [
        (i, base, selection.differences_from(base)[i])
        for i, base in step_pairs(selection)
        if base in bases
    ]


def _steps_verdict(selection: Selection, gains: Sequence[StepGain]) -> str:
    if not gains:
        return ""
    clear = cleared([difference for *_, difference in gains])
    positive = [
        gain
        for gain, significant in zip(gains, clear, strict=True)
        if significant and (gain[2].value.value or 0) > 0
    ]
    if not positive:
        return "No step after pooling gains anything that these data can show."
    i, base, difference = max(positive, key=lambda gain: gain[2].value.value or 0)
    step = "|".join(map(str, without_l2(selection.readouts[i]).steps)) or "l2"
    more = f"; {len(positive) - 1} other steps gain too" if len(positive) > 1 else ""
    return (
        f"After pooling, {step} adds {format_estimate(difference.value, sign=True)} to "
        f"{selection.names[base]}{more}."
    )


def _forests(selection: Selection, gains: Sequence[StepGain]) -> Iterator[ForestPlot]:
    """The chosen readout against references and baselines; what steps gain."""
    chosen, names = selection.chosen_index, selection.names
    differences = selection.differences_from(chosen)
    references = dict.fromkeys([*selection.references.values(), selection.best_index])
    baselines = range(len(selection.readouts), len(names))
    rows = [(names[i], differences[i]) for i in (*references, *baselines) if i != chosen]
    x_label = f"difference in {selection.task.score}, test"
    if rows:
        yield ForestPlot(
            f"Against the chosen readout, {names[chosen]}",
            forest_rows(rows, controls=selection.baselines),
            x_label=x_label,
            reference=names[chosen],
            caption="Differences paired by row, with 95 % intervals. Filled: not zero after Holm.",
        )
    if gains:
        yield ForestPlot(
            "What a step after pooling gains",
            forest_rows([(names[i], difference) for i, _, difference in gains]),
            x_label=x_label,
            reference="the same readout without the step",
            caption="Steps are fitted on the texts of train and scored on test.",
        )


def _cheaper(selection: Selection) -> Iterator[str]:
    """How many readouts dev cannot tell from the best, and which of them costs least."""
    best = selection.best_index
    ties = [i for i in range(len(selection.readouts)) if selection.tied[i] and i != best]
    if not ties:
        return
    yield (
        f"{len(ties)} readouts cannot be told from the best on dev, {selection.names[best]}; "
        "where a usual one is among them, it is kept"
    )
    cheapest = min(ties, key=lambda i: (selection.cost(i), selection.dimensions[i]))
    if selection.cost(cheapest) < selection.cost(selection.chosen_index):
        yield (
            f"the cheapest of them, {selection.names[cheapest]}, runs "
            f"{selection.cost(cheapest):.0%} of the blocks"
        )
