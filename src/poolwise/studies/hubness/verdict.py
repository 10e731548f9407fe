"""What hubs there are, and what steps do to them, in words."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.statistics.paired import Difference
from poolwise.studies.hubness.scores import StepEffects
from poolwise.studies.hubness.views import HubView


def verdict(effects: StepEffects, gaussian: HubView, noun: str) -> str:
    """Whether there are hubs under what is used now, and whether a step helps."""
    used = effects.used
    low = used.skewness.estimate.low
    if low is None or low <= 0:
        return f"No {noun} is shown to be a hub under {used.name}."
    hubs = f"There are hubs under {used.name}, {_against(used, gaussian)} dimension makes"
    return f"{hubs}; {_steps(effects)}."


def _against(used: HubView, gaussian: HubView) -> str:
    """Beside vectors of as many dimensions that mean nothing."""
    more = sign(used.skewness.less_independent(gaussian.skewness))
    return {1: "more than", 0: "but no more than", -1: "but fewer than"}[more]


def _steps(effects: StepEffects) -> str:
    weaker = [view.step for view in effects.steps if effects.skewness.sign(view.step) == -1]
    if not weaker:
        return "no step is shown to make them weaker"
    phrase = f"{_does(weaker, 'make')} them weaker"
    if effects.score is None:
        return phrase
    signs = {step: effects.score.sign(step) for step in weaker}
    raised = [step for step, direction in signs.items() if direction == 1]
    lowered = [step for step, direction in signs.items() if direction == -1]
    if not (raised or lowered):
        return f"{phrase}, and no change of {effects.score_name} is shown"
    if weaker in (raised, lowered):
        word = ("and raise" if raised else "but lower") + ("s" if len(weaker) == 1 else "")
        return f"{phrase}, {word} {effects.score_name}"
    changes = [
        _does(steps, verb) for steps, verb in ((raised, "raise"), (lowered, "lower")) if steps
    ]
    return f"{phrase}; {join_words(changes)} {effects.score_name}"


def _does(steps: list[str], verb: str) -> str:
    return f"{join_words(steps)} {verb}{'s' if len(steps) == 1 else ''}"


def sign(difference: Difference) -> int:
    low, high = difference.value.low, difference.value.high
    if low is None or high is None or low * high <= 0:
        return 0
    return 1 if low > 0 else -1


def evidence(
    effects: StepEffects, gaussian: HubView, dimensions: int, noun: str, asking: str
) -> str:
    """Skewness against the control, antihubs, the largest hub, and the best step."""
    used = effects.used
    phrases = [
        f"skewness of how many {asking} a {noun} is near: {_skewness(used)}, where Gaussian "
        f"vectors of {dimensions} dimensions have {_skewness(gaussian)}",
        f"{used.unreached:.0%} of the {noun}s are near none",
        f"the largest hub is near {used.largest:.1%} of the {asking}",
    ]
    return "; ".join(phrases)


def step_notes(effects: StepEffects) -> Iterator[str]:
    """What each step does to both."""
    for view in effects.steps:
        phrase = f"{view.step} changes the skewness by {effects.skewness.describe(view.step)}"
        if effects.score is not None:
            phrase += f", {effects.score_name} by {effects.score.describe(view.step)}"
        yield phrase


def _skewness(view: HubView) -> str:
    estimate = view.skewness.estimate
    return "none that is clear" if estimate.value is None else format_estimate(estimate)
