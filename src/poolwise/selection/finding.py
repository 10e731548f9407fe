"""The answer that a contest gives: which readout to take, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Chart, Finding, Number
from poolwise.selection.charts import LEVEL, cleared, forest, heat, ranking
from poolwise.selection.grid import without_l2
from poolwise.selection.selection import REFERENCE_READOUTS, Selection, step_pairs
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference


def selection_finding(
    contest: Selection,
    *,
    study: str,
    question: str,
    numbers: Sequence[Number] = (),
    charts: Sequence[Chart] = (),
    notes: Sequence[str] = (),
) -> Finding:
    """The finding, with what a study adds to it."""
    steps = _steps(contest)
    return Finding(
        study=study,
        question=question,
        verdict=" ".join([_verdict(contest), _said_of_steps(contest, steps)]).strip(),
        numbers=[*_chosen(contest), *_regrets(contest), *numbers, *_scores(contest)],
        charts=[heat(contest), ranking(contest), *_pictures(contest, steps), *charts],
        notes=[*contest.task.splits.notes, *_cheaper(contest), *notes],
        made={
            "data": contest.task.name,
            "rows": {
                name: len(getattr(contest.task.splits, name)) for name in ("train", "dev", "test")
            },
            "readouts": len(contest.readouts),
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


def _verdict(contest: Selection) -> str:
    task, chosen, best = contest.task, contest.names[contest.chosen], contest.names[contest.best]
    found = f"{task.score} {format_estimate(contest.test[contest.chosen])} on {task.name}"
    usual = next(name for name in REFERENCE_READOUTS if name in contest.usual)
    place = contest.usual[usual]
    own = _own(contest) if usual == "declared" else ""
    if contest.chosen in contest.usual.values() and contest.chosen != contest.best:
        return f"Keep {chosen}{own}: {found}; the best on dev, {best}, cannot be told from it."
    if contest.chosen == place:
        return f"Keep {chosen}{own}: {found}; no readout scored higher on dev."
    gain = contest.against(place)[contest.chosen]
    more = format_estimate(gain.value, sign=True)
    than = f"{contest.names[place]}{own}"
    if not gain.p <= LEVEL:
        return (
            f"Take {chosen}: {found}. On dev it beats {than}; on test the difference, {more}, is "
            "none that these data can show."
        )
    if (gain.value.value or 0) < 0:
        return f"Take care: on dev {chosen} beats {than}, on test it scores {more} against it."
    return f"Take {chosen}: {found}, {more} more than {than}."


def _own(contest: Selection) -> str:
    """The declared readout takes part without its l2 where the user's own grid has it so."""
    declared = contest.encoder.declared
    same = declared is not None and contest.find(declared) is not None
    return " (what the model declares)" if same else " (what the model declares, less its l2)"


def _chosen(contest: Selection) -> Iterator[Number]:
    score, name = contest.task.score, contest.names[contest.chosen]
    yield _number(f"{score} of the chosen readout", contest.test[contest.chosen], name, "test")
    for usual, i in contest.usual.items():
        if usual != "declared":
            yield _number(f"{score} of {usual}", contest.test[i], contest.names[i], "test")


def _regrets(contest: Selection) -> Iterator[Number]:
    """What staying with a usual readout costs."""
    for usual, i in contest.usual.items():
        difference = contest.against(i)[contest.chosen]
        yield _number(f"regret of {usual}", difference.value, contest.names[i], "test")


def _scores(contest: Selection) -> Iterator[Number]:
    c = len(contest.readouts)
    for i in contest.ranked:
        for part, found in (("test", contest.test[i]), ("dev", contest.dev[i])):
            yield _number(contest.task.score, found, contest.names[i], part, control=i >= c)
        whole = contest.whole[i]
        if whole is not None:
            yield _number(contest.task.score, whole, contest.names[i], "all rows")


def _number(
    name: str, found: Estimate, readout: str, part: str, *, control: bool = False
) -> Number:
    where = {"readout": readout, "part": part}
    return Number(name, found.value, found.low, found.high, where, control, found.note)


Step = tuple[int, int, Difference]
"""A readout with steps, the same without, and what the steps gain on test."""


def _steps(contest: Selection) -> list[Step]:
    """For each chain of steps: on the pooled readout that is best with nothing after it, on dev,
    and on mean@-1."""
    plain = [i for i in contest.ranked if i < len(contest.readouts)]
    plain = [i for i in plain if not without_l2(contest.readouts[i]).steps]
    bases = dict.fromkeys([*plain[:1], *contest.usual.values()])
    pairs = [(i, base) for i, base in step_pairs(contest) if base in bases]
    return [(i, base, contest.against(base)[i]) for i, base in pairs]


def _said_of_steps(contest: Selection, steps: Sequence[Step]) -> str:
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
    step = "|".join(map(str, without_l2(contest.readouts[i]).steps)) or "l2"
    others = f"; {len(gains) - 1} other steps gain too" if len(gains) > 1 else ""
    return (
        f"After pooling, {step} adds {format_estimate(difference.value, sign=True)} to "
        f"{contest.names[base]}{others}."
    )


def _pictures(contest: Selection, steps: Sequence[Step]) -> Iterator[Chart]:
    rows = [
        (contest.names[i], contest.against(contest.chosen)[i], False)
        for i in dict.fromkeys([*contest.usual.values(), contest.best])
        if i != contest.chosen
    ]
    c = len(contest.readouts)
    rows += [
        (name, contest.against(contest.chosen)[i], True)
        for i, name in enumerate(contest.baselines, c)
    ]
    label = f"difference in {contest.task.score}, test"
    reference = contest.names[contest.chosen]
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
            [(contest.names[i], difference, False) for i, _, difference in steps],
            x_label=label,
            reference="the same readout without the step",
            caption="Steps are fitted on the texts of train and scored on test.",
        )


def _cheaper(contest: Selection) -> Iterator[str]:
    """The least that does as well, as far as dev can show."""
    ties = [i for i in range(len(contest.readouts)) if contest.tied[i] and i != contest.best]
    if not ties:
        return
    yield (
        f"{len(ties)} readouts cannot be told from the best on dev, {contest.names[contest.best]}; "
        "where a usual one is among them, it is kept"
    )
    cheapest = min(ties, key=lambda i: (contest.cost(i), contest.dimensions[i]))
    if contest.cost(cheapest) < contest.cost(contest.chosen):
        yield (
            f"the cheapest of them, {contest.names[cheapest]}, runs "
            f"{contest.cost(cheapest):.0%} of the blocks"
        )
