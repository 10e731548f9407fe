"""The finding of a selection: which readout to use, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot
from poolwise.records import Finding, Number
from poolwise.selection.best_of_models import model_numbers, models_table
from poolwise.selection.charts import forest_rows, heat_maps, ranking
from poolwise.selection.cost_front import cost_front
from poolwise.selection.outcome import MARGIN, Decision, Outcome
from poolwise.selection.selection import Selection
from poolwise.selection.step_gains import StepGain, describe_steps, step_gains
from poolwise.selection.tasks.task import estimate_on
from poolwise.statistics.estimate import Estimate, format_estimate, format_p

NO_CHOICE = "There is nothing to choose: no readout is shown to do better than chance."


def selection_finding(
    selection: Selection,
    *,
    study: str,
    question: str,
    numbers: Sequence[Number] = (),
    charts: Sequence[Chart] = (),
    notes: Sequence[str] = (),
) -> Finding:
    """Verdict, evidence, numbers, charts and notes of the selection, with what the study adds."""
    outcome, gains = Outcome(selection), step_gains(selection)
    task = selection.task
    return Finding(
        study=study,
        question=question,
        verdict=verdict(outcome),
        evidence=evidence(outcome),
        numbers=[*_chosen(outcome), *_model_numbers(selection), *numbers, *_scores(selection)],
        charts=[
            *model_charts(selection),
            *heat_maps(selection),
            ranking(selection),
            *_forests(selection, gains),
            *charts,
        ],
        notes=[
            *_not_shown(outcome),
            *describe_steps(selection, gains),
            *_cheaper(outcome),
            *task.notes,
            *selection.notes,
            *notes,
        ],
        provenance={
            "data": task.name,
            "rows": _row_counts(selection),
            "readouts": len(selection.readouts),
        },
    )


def model_charts(selection: Selection) -> list[Chart]:
    """Of several models, the best of each, and scores against time where that was measured."""
    if len(selection.encoders) == 1:
        return []
    front = [cost_front(selection)] if selection.milliseconds else []
    return [models_table(selection), *front]


def _model_numbers(selection: Selection) -> Iterator[Number]:
    if len(selection.encoders) > 1:
        yield from model_numbers(selection)


def _row_counts(selection: Selection) -> dict[str, int]:
    chosen_on = len(selection.choice_rows)
    if not selection.task.folds.has_test:
        return {"all": chosen_on}
    return {"chosen on": chosen_on, "test": len(selection.report_rows)}


def verdict(outcome: Outcome) -> str:
    """One sentence: change, keep, or nothing to choose."""
    name, selection = outcome.name, outcome.selection
    declared = _declared(selection)
    if outcome.decision is Decision.NOTHING:
        return NO_CHOICE
    if outcome.decision is Decision.CHANGE:
        return f"Use {name}: it scores higher than {outcome.reference}{declared}."
    if selection.best_index == selection.reference:
        return f"Keep {name}{declared}: no readout scores higher."
    return f"Keep {name}{declared}: no readout is shown to be better."


def _declared(selection: Selection) -> str:
    """A grid of the user's own may hold the declared readout without its l2 only."""
    declared = selection.encoder.declared
    if declared is None:
        return ""
    exact = selection.find(declared) is not None
    return ", which the model declares" if exact else ", which the model declares with l2"


def evidence(outcome: Outcome) -> str:
    """The chosen readout's score, its gain or the best one's, and how sure that is."""
    selection = outcome.selection
    task = selection.task
    scored = f"{task.score} {format_estimate(outcome.score)} on {task.name}"
    if outcome.decision is Decision.NOTHING:
        return f"{scored}; chance: {format_estimate(_chance(selection))}"
    if selection.best_index == selection.reference and outcome.decision is Decision.KEEP:
        return f"{scored}, the highest of {_count(selection)}"
    gain = format_estimate(outcome.gain.value, sign=True)
    if outcome.decision is Decision.CHANGE:
        return (
            f"{scored}: {gain} against {outcome.reference}, p {format_p(outcome.p)} among "
            f"{_count(selection)}"
        )
    best = selection.names[selection.best_index]
    return (
        f"{scored}; the highest, {best}, changes it by {gain} on rows that it was not chosen on, p "
        f"{format_p(outcome.p)} among {_count(selection)}"
    )


def _count(selection: Selection) -> str:
    return f"{len(selection.readouts):,} readouts"


def _chance(selection: Selection) -> Estimate:
    return estimate_on(selection.task, selection.chance_scores, selection.report_rows)


def _chosen(outcome: Outcome) -> Iterator[Number]:
    selection = outcome.selection
    score = selection.task.score
    yield _number(f"{score} of the chosen readout", outcome.score, outcome.name, selection)
    for label, i in selection.references.items():
        if label != "declared" and i != selection.chosen_index:
            yield _number(f"{score} of {label}", selection.scores[i], selection.names[i], selection)
    if outcome.gain.value.value is not None:
        changes = outcome.decision is Decision.CHANGE
        name = outcome.name if changes else selection.names[selection.best_index]
        label = "gain over the readout used now" if changes else "the highest less the one kept"
        yield _number(
            label,
            outcome.gain.value,
            name,
            selection,
            note=f"p {format_p(outcome.p)} by max-T over {_count(selection)}",
        )


def _scores(selection: Selection) -> Iterator[Number]:
    for i in selection.ranking:
        baseline = i >= len(selection.readouts)
        yield _number(
            selection.task.score,
            selection.scores[i],
            selection.names[i],
            selection,
            baseline=baseline,
        )


def _number(
    name: str,
    estimate: Estimate,
    readout: str,
    selection: Selection,
    *,
    baseline: bool = False,
    note: str | None = None,
) -> Number:
    where = {"readout": readout, "part": selection.task.folds.part}
    return Number.of(name, estimate, where, baseline=baseline, note=note)


def _not_shown(outcome: Outcome) -> Iterator[str]:
    """What these rows could have shown, where nothing was."""
    if outcome.decision is not Decision.KEEP or outcome.smallest_difference is None:
        return
    rows = len(outcome.selection.choice_rows)
    score = outcome.selection.task.score
    yield (
        f"with these {rows:,} rows a difference of {outcome.smallest_difference:.3f} in {score} "
        "between these two would be shown in 4 of 5 cases; a smaller one may be there"
    )
    if outcome.rows_needed is not None:
        yield (
            f"about {_rounded(outcome.rows_needed):,} rows would be needed to show the difference "
            f"observed, {outcome.gain.value.value:+.3f}".replace("-", "−")
        )


def _rounded(rows: int) -> int:
    """To two digits."""
    unit: int = 10 ** max(len(str(rows)) - 2, 0)
    return -(-rows // unit) * unit


def _forests(selection: Selection, gains: Sequence[StepGain]) -> Iterator[ForestPlot]:
    """The chosen readout against references and baselines; what steps gain."""
    chosen, names = selection.chosen_index, selection.names
    differences = selection.differences_from(chosen)
    references = dict.fromkeys([*selection.references.values(), selection.best_index])
    baselines = range(len(selection.readouts), len(names))
    rows = [(names[i], differences[i]) for i in (*references, *baselines) if i != chosen]
    x_label = f"difference in {selection.task.score}"
    if rows:
        yield ForestPlot(
            f"Against the chosen readout, {names[chosen]}",
            forest_rows(rows, controls=selection.baselines),
            x_label=x_label,
            reference=names[chosen],
            caption="Differences paired by row, with 95 % intervals. Filled: not zero after Holm. "
            "That of the highest is too good for having been chosen.",
        )
    if gains:
        yield ForestPlot(
            "What a step after pooling gains",
            forest_rows([(names[i], difference) for i, _, difference in gains]),
            x_label=x_label,
            reference="the same readout without the step",
            caption="Steps are fitted without the rows that they are scored on.",
        )


def _cheaper(outcome: Outcome) -> Iterator[str]:
    """What costs less and is shown to lose next to nothing."""
    selection = outcome.selection
    if outcome.decision is Decision.NOTHING or selection.cost(selection.chosen_index) == 0:
        return
    score, chosen = selection.task.score, outcome.name
    cheapest = outcome.cheapest
    if cheapest is None:
        yield f"no cheaper readout is shown to be within {MARGIN:g} in {score} of {chosen}"
        return
    yield (
        f"cheaper and shown to lose at most {MARGIN:g} in {score} against {chosen}: "
        f"{selection.names[cheapest]}, which runs {selection.cost(cheapest):.0%} of the blocks"
    )
