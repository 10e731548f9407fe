"""The answer that a contest gives: which readout to take, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Chart, Finding, Number
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference
from poolwise.studies.contest import Contest, steps_apart
from poolwise.studies.pictures import cleared, forest, heat, ranking


def choice(
    contest: Contest,
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
        notes=[*contest.task.parts.notes, *_cheaper(contest), *notes],
        made={
            "data": contest.task.name,
            "rows": {
                name: len(getattr(contest.task.parts, name)) for name in ("train", "dev", "test")
            },
            "readouts": len(contest.readouts),
        },
    )


def written(estimate: Estimate, *, sign: bool = False) -> str:
    """``0.867 [0.851, 0.882]``."""
    if estimate.value is None:
        return "undefined"
    form = "+.3f" if sign else ".3f"
    text = f"{estimate.value:{form}}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{estimate.low:{form}}, {estimate.high:{form}}]"
    return text.replace("-", "−")


def _usual(contest: Contest) -> str:
    """What the chosen one has to beat first."""
    return "declared" if "declared" in contest.usual else "mean@-1"


def _verdict(contest: Contest) -> str:
    name, task = contest.names[contest.chosen], contest.task
    found = f"{task.score} {written(contest.test[contest.chosen])} on {task.name}"
    usual = _usual(contest)
    place = contest.usual[usual]
    label = contest.names[place]
    own = " (what the model declares)" if usual == "declared" else ""
    if place == contest.chosen:
        return f"Take {name}{own}: {found}; no readout scored higher on dev."
    gain = contest.against(place)[contest.chosen]
    if gain.value.value is not None and gain.p < 0.05:
        more = "more" if gain.value.value > 0 else "LESS on test, though more on dev,"
        return f"Take {name}: {found}, {written(gain.value, sign=True)} {more} than {label}{own}."
    return (
        f"No difference that these data can show between {label}{own} and the best on dev, {name}: "
        f"{found}, a difference of {written(gain.value, sign=True)}."
    )


def _chosen(contest: Contest) -> Iterator[Number]:
    score, name = contest.task.score, contest.names[contest.chosen]
    yield _number(f"{score} of the chosen readout", contest.test[contest.chosen], name, "test")
    for usual, i in contest.usual.items():
        if usual != "declared":
            yield _number(f"{score} of {usual}", contest.test[i], contest.names[i], "test")


def _regrets(contest: Contest) -> Iterator[Number]:
    """What staying with a usual readout costs."""
    for usual, i in contest.usual.items():
        difference = contest.against(i)[contest.chosen]
        yield _number(f"regret of {usual}", difference.value, contest.names[i], "test")


def _scores(contest: Contest) -> Iterator[Number]:
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


def _steps(contest: Contest) -> list[Step]:
    """For each chain of steps: on the pooled readout that is best with nothing after it, on dev,
    and on mean@-1."""
    plain = [i for i in contest.ranked if i < len(contest.readouts)]
    plain = [i for i in plain if not contest.readouts[i].steps]
    bases = dict.fromkeys([*plain[:1], *contest.usual.values()])
    pairs = [(i, base) for i, base in steps_apart(contest) if base in bases]
    return [(i, base, contest.against(base)[i]) for i, base in pairs]


def _said_of_steps(contest: Contest, steps: Sequence[Step]) -> str:
    if not steps:
        return ""
    clear = cleared([difference for *_, difference in steps])
    gains = [
        f"{contest.names[i].removeprefix(contest.names[base] + '|')} adds "
        f"{written(difference.value, sign=True)} to {contest.names[base]}"
        for (i, base, difference), certain in zip(steps, clear, strict=True)
        if certain and (difference.value.value or 0) > 0
    ]
    if not gains:
        return "No step after pooling gains anything that these data can show."
    return f"After pooling, {', and '.join(gains)}."


def _pictures(contest: Contest, steps: Sequence[Step]) -> Iterator[Chart]:
    rows = [
        (contest.names[i], contest.against(contest.chosen)[i], False)
        for i in contest.usual.values()
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


def _cheaper(contest: Contest) -> Iterator[str]:
    """The least that does as well, as far as dev can show."""
    ties = [i for i in range(len(contest.readouts)) if contest.tied[i] and i != contest.chosen]
    if not ties:
        return
    yield f"{len(ties)} other readouts cannot be told from {contest.names[contest.chosen]} on dev"
    cheapest = min(ties, key=lambda i: (contest.cost(i), contest.dimensions[i]))
    if contest.cost(cheapest) < contest.cost(contest.chosen):
        yield (
            f"the cheapest of them, {contest.names[cheapest]}, runs "
            f"{contest.cost(cheapest):.0%} of the blocks"
        )
