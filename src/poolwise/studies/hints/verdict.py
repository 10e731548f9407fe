"""What the scores without labels come to, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import join_words
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.hints.charts import chosen_name
from poolwise.studies.hints.choices import AS_POOLED, HintChoice
from poolwise.studies.hints.label_free_scores import LABEL_FREE_SCORES


def verdict(selection: Selection, choices: Sequence[HintChoice]) -> str:
    """Whether any score chooses better than keeping the readout used now."""
    used = selection.names[selection.reference]
    scores = [choice for choice in choices if not choice.control]
    better = list(dict.fromkeys(choice.name for choice in scores if choice.better))
    if not scores:
        return "No score without labels is defined for these readouts."
    if not better:
        return f"No: no score without labels is shown to choose better than keeping {used}."
    every = len({choice.name for choice in scores})
    return (
        f"In part: {join_words(better)} would have chosen better than {used}, the other "
        f"{every - len(better)} scores are not shown to."
        if len(better) < every
        else f"Yes: every score without labels would have chosen better than {used}."
    )


def evidence(selection: Selection, choices: Sequence[HintChoice]) -> str:
    """Among readouts as pooled, the best and the worst choice, and how many are worse."""
    scores = [c for c in choices if not c.control and c.among == AS_POOLED]
    if not scores:
        return ""
    ranked = sorted(scores, key=lambda c: c.against_used.value.value or 0.0)
    worst, best = ranked[0], ranked[-1]
    n_worse = sum(choice.worse for choice in scores)
    phrases = [
        f"{n_worse} of {len(scores)} choose a readout that is shown to score lower",
        f"the best, {_choice(selection, best)}",
        f"the worst, {_choice(selection, worst)}",
    ]
    return "; ".join(phrases)


def _choice(selection: Selection, choice: HintChoice) -> str:
    difference = format_estimate(choice.against_used.value, sign=True)
    return f"{choice.name}, takes {chosen_name(selection, choice)}, {difference}"


def notes(
    selection: Selection, choices: Sequence[HintChoice], measured: int, shortened: int
) -> Iterator[str]:
    """How the scores were read, and what they claim."""
    best = selection.names[selection.best_index]
    gain = selection.choice.difference_from(selection.reference).value
    if gain.value is not None:
        yield (
            f"chosen by labels, {best} changes the score by {format_estimate(gain, sign=True)} on "
            "rows that it was not chosen on"
        )
    yield (
        f"scores without labels are read from {measured:,} texts; those of two versions of a text "
        f"from {shortened:,} of them and the same without a fifth of their words"
    )
    yield (
        "for these scores steps are fitted on other texts than those measured; whitening makes any "
        "vectors isotropic, so compare readouts as pooled first"
    )
    yield (
        "IsoScore and LOES' isotropy order vectors of as many dimensions alike: both are functions "
        "of the participation ratio"
    )
    undefined = {score.name for score in LABEL_FREE_SCORES} - {choice.name for choice in choices}
    if undefined:
        yield f"undefined for every readout: {join_words(sorted(undefined))}"
