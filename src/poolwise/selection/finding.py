"""The answer that a selection gives: which readout to take, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Chart, Finding, Number
from poolwise.selection.charts import LEVEL, cleared, forest, heat, ranking
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import REFERENCE_READOUTS, Selection, step_pairs
from poolwise.statistics.estimate import Estimate
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
    """The finding, with what a study adds to it."""
    steps = _steps(selection)
    return Finding(
        study=study,
        question=question,
        verdict=" ".join([_verdict(selection), _said_of_steps(selection, steps)]).strip(),
        numbers=[*_chosen(selection), *_regrets(selection), *numbers, *_scores(selection)],
        charts=[heat(selection), ranking(selection), *_pictures(selection, steps), *charts],
        notes=[*selection.task.splits.notes, *_cheaper(selection), *notes],
        made={
            "data": selection.task.name,
            "rows": {
                name: len(getattr(selection.task.splits, name)) for name in ("train", "dev", "test")
            },
            "readouts": len(selection.readouts),
        },
    )


def format_estimate(estimate: Estimate, *, sign: bool = False) -> str:
    """``0.867 [0.851, 0.882]``."""
    if estimate.value is None:
        return "undefined"
    form = "+.3f" if sign else ".3f"
    text = f"{estimate.value:{form}}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{estimate.low:{form}}, {estimate.high:{form}}]"
    return text.replace("-", "−")


def _verdict(selection: Selection) -> str:
    task, chosen, best = (
        selection.task,
        selection.names[selection.chosen_index],
        selection.names[selection.best_index],
    )
    found = f"{task.score} {format_estimate(selection.test_scores[selection.chosen_index])} on {task.name}"
    usual = next(name for name in REFERENCE_READOUTS if name in selection.references)
    place = selection.references[usual]
    own = _own(selection) if usual == "declared" else ""
    if (
        selection.chosen_index in selection.references.values()
        and selection.chosen_index != selection.best_index
    ):
        return f"Keep {chosen}{own}: {found}; the best on dev, {best}, cannot be told from it."
    if selection.chosen_index == place:
        return f"Keep {chosen}{own}: {found}; no readout scored higher on dev."
    gain = selection.differences_from(place)[selection.chosen_index]
    more = format_estimate(gain.value, sign=True)
    than = f"{selection.names[place]}{own}"
    if not gain.p <= LEVEL:
        return (
            f"Take {chosen}: {found}. On dev it beats {than}; on test the difference, {more}, is "
            "none that these data can show."
        )
    if (gain.value.value or 0) < 0:
        return f"Take care: on dev {chosen} beats {than}, on test it scores {more} against it."
    return f"Take {chosen}: {found}, {more} more than {than}."


def _own(selection: Selection) -> str:
    """The declared readout takes part without its l2 where the user's own grid has it so."""
    declared = selection.encoder.declared
    same = declared is not None and selection.find(declared) is not None
    return " (what the model declares)" if same else " (what the model declares, less its l2)"


def _chosen(selection: Selection) -> Iterator[Number]:
    score, name = selection.task.score, selection.names[selection.chosen_index]
    yield _number(
        f"{score} of the chosen readout",
        selection.test_scores[selection.chosen_index],
        name,
        "test",
    )
    for usual, i in selection.references.items():
        if usual != "declared":
            yield _number(
                f"{score} of {usual}", selection.test_scores[i], selection.names[i], "test"
            )


def _regrets(selection: Selection) -> Iterator[Number]:
    """What staying with a usual readout costs."""
    for usual, i in selection.references.items():
        difference = selection.differences_from(i)[selection.chosen_index]
        yield _number(f"regret of {usual}", difference.value, selection.names[i], "test")


def _scores(selection: Selection) -> Iterator[Number]:
    c = len(selection.readouts)
    for i in selection.ranking:
        for part, found in (("test", selection.test_scores[i]), ("dev", selection.dev_scores[i])):
            yield _number(selection.task.score, found, selection.names[i], part, control=i >= c)
        whole = selection.all_rows_scores[i]
        if whole is not None:
            yield _number(selection.task.score, whole, selection.names[i], "all rows")


def _number(
    name: str, found: Estimate, readout: str, part: str, *, control: bool = False
) -> Number:
    where = {"readout": readout, "part": part}
    return Number(name, found.value, found.low, found.high, where, control, found.note)


Step = tuple[int, int, Difference]
"""A readout with steps, the same without, and what the steps gain on test."""


def _steps(selection: Selection) -> list[Step]:
    """For each chain of steps: on the pooled readout that is best with nothing after it, on dev,
    and on mean@-1."""
    plain = [i for i in selection.ranking if i < len(selection.readouts)]
    plain = [i for i in plain if not without_l2(selection.readouts[i]).steps]
    bases = dict.fromkeys([*plain[:1], *selection.references.values()])
    pairs = [(i, base) for i, base in step_pairs(selection) if base in bases]
    return [(i, base, selection.differences_from(base)[i]) for i, base in pairs]


def _said_of_steps(selection: Selection, steps: Sequence[Step]) -> str:
    if not steps:
        return ""
    clear = cleared([difference for *_, difference in steps])
    gains = [
        step
        for step, certain in zip(steps, clear, strict=True)
        if certain and (step[2].value.value or 0) > 0
    ]
    if not gains:
        return "No step after pooling gains anything that these data can show."
    i, base, difference = max(gains, key=lambda step: step[2].value.value or 0)
    step = "|".join(map(str, without_l2(selection.readouts[i]).steps)) or "l2"
    others = f"; {len(gains) - 1} other steps gain too" if len(gains) > 1 else ""
    return (
        f"After pooling, {step} adds {format_estimate(difference.value, sign=True)} to "
        f"{selection.names[base]}{others}."
    )


def _pictures(selection: Selection, steps: Sequence[Step]) -> Iterator[Chart]:
    rows = [
        (selection.names[i], selection.differences_from(selection.chosen_index)[i], False)
        for i in dict.fromkeys([*selection.references.values(), selection.best_index])
        if i != selection.chosen_index
    ]
    c = len(selection.readouts)
    rows += [
        (name, selection.differences_from(selection.chosen_index)[i], True)
        for i, name in enumerate(selection.baselines, c)
    ]
    label = f"difference in {selection.task.score}, test"
    reference = selection.names[selection.chosen_index]
    if rows:
        yield forest(
            f"Against the chosen readout, {reference}",
            rows,
            x_label=label,
            reference=reference,
            caption="Differences paired by row, with 95 % intervals. Filled: not zero after Holm.",
        )
    if steps:
        yield forest(
            "What a step after pooling gains",
            [(selection.names[i], difference, False) for i, _, difference in steps],
            x_label=label,
            reference="the same readout without the step",
            caption="Steps are fitted on the texts of train and scored on test.",
        )


def _cheaper(selection: Selection) -> Iterator[str]:
    """The least that does as well, as far as dev can show."""
    ties = [
        i for i in range(len(selection.readouts)) if selection.tied[i] and i != selection.best_index
    ]
    if not ties:
        return
    yield (
        f"{len(ties)} readouts cannot be told from the best on dev, {selection.names[selection.best_index]}; "
        "where a usual one is among them, it is kept"
    )
    cheapest = min(ties, key=lambda i: (selection.cost(i), selection.dimensions[i]))
    if selection.cost(cheapest) < selection.cost(selection.chosen_index):
        yield (
            f"the cheapest of them, {selection.names[cheapest]}, runs "
            f"{selection.cost(cheapest):.0%} of the blocks"
        )
