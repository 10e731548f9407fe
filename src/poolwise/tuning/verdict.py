"""The verdict of a comparison: which readout, the gain of fine-tuning, other tokens."""

from __future__ import annotations

from poolwise.selection.comparisons import NO_DIFFERENCE, ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.tuning.analysis import FROZEN, NOT_FINITE, TuningAnalysis, versus

OUTCOMES = {1: "better", -1: "worse", 0: NO_DIFFERENCE, None: "without a score to compare"}
"""By the sign of a difference after correction; None: undefined."""

PROBE = "a linear probe on the frozen vectors"


def verdict(analysis: TuningAnalysis) -> str:
    """Which readout to fine-tune, and whether that is better than a probe on frozen vectors."""
    n, best, reference = analysis.largest_size, analysis.best_on_dev, analysis.reference
    gain = _GAINS.get(_sign(analysis.gain_comparisons[n], versus(analysis.chosen, FROZEN, n)))
    if len(analysis.readouts) == 1:
        return f"Fine-tuning {best} {gain or 'was measured alone, without a comparison'}."
    and_gain = f"; fine-tuning it {gain}" if gain else ""
    sign = None
    if best != reference:
        sign = analysis.readout_comparisons[n].sign(versus(best, reference, n))
    if sign == 1:
        return f"Take {best} instead of {reference} for fine-tuning{and_gain}."
    if sign == -1:
        return f"Keep {reference}: {best}, the best on dev, is worse on test{and_gain}."
    return f"Keep {reference}: no other readout is shown to be better once fine-tuned{and_gain}."


_GAINS: dict[int | None, str] = {
    1: "beats a linear probe on frozen vectors",
    -1: "is worse than a linear probe on frozen vectors",
    0: "is not shown to beat a linear probe on frozen vectors",
}


def _sign(family: ComparisonFamily, name: str) -> int | None:
    return family.sign(name) if name in family.adjusted_p else None


def evidence(analysis: TuningAnalysis) -> str:
    """The scores of the readouts, what fine-tuning gains, and whether other tokens do as well."""
    sentences = [_choice(analysis), _gain(analysis), _other_tokens(analysis)]
    return " ".join(filter(None, sentences))


def by_outcome(family: ComparisonFamily, names: dict[str, str]) -> dict[int | None, list[str]]:
    """Readouts by the sign of their comparison: ``{-1: ["max@-1 (−0.031)"]}``.

    ``names``: of each readout, the name of its comparison in ``family``.
    """
    groups: dict[int | None, list[str]] = {}
    for readout, name in names.items():
        value = family[name].difference.value.value
        text = readout if value is None else f"{readout} ({value:+.3f})".replace("(-", "(−")
        groups.setdefault(family.sign(name), []).append(text)
    return groups


def _other_tokens(analysis: TuningAnalysis) -> str:
    """Whether another single token does as well as the first; "" where none takes part."""
    if not analysis.other_tokens:
        return ""
    n = analysis.largest_size
    names = {name: versus(name, analysis.first_token, n) for name in analysis.other_tokens}
    groups = by_outcome(analysis.readout_comparisons[n], names)
    first = f"the first token, {analysis.first_token}"
    worse = f"; worse: {join_words(groups[-1])}" if -1 in groups else ""
    if 1 in groups:
        return f"Better than {first}, once fine-tuned: {join_words(groups[1])}{worse}."
    if 0 in groups:
        return (
            f"Once fine-tuned, no worse than {first}, as far as these data can show: "
            f"{join_words(groups[0])}{worse}."
        )
    if None in groups:
        return (
            f"Of other tokens against {first}, nothing is known: {join_words(groups[None])} failed."
        )
    return f"Of the tokens asked, none does as well as {first}, once fine-tuned{worse}."


def _choice(analysis: TuningAnalysis) -> str:
    """The best on dev replaces the reference where test shows it to be better."""
    n, best, reference = analysis.largest_size, analysis.best_on_dev, analysis.reference
    start = f"Fine-tuned on {_rows(analysis, n)} of {analysis.task.name}"
    if len(analysis.readouts) == 1:
        return f"{start}, {_scored(analysis, best)}."
    keep = f"{start}, keep {_scored(analysis, reference)}"
    if best == reference:
        return f"{keep}: no readout scored higher on dev{_remaining(analysis)}."
    family, name = analysis.readout_comparisons[n], versus(best, reference, n)
    difference, sign = family.describe(name), family.sign(name)
    if sign == 1:
        return f"{start}, take {_scored(analysis, best)}: {difference} more than {reference}."
    if sign == -1:
        return f"{keep}: {best}, the best on dev, scores {difference} against it on test."
    reason = difference if sign == 0 else NOT_FINITE
    return f"{keep}; the best on dev, {_scored(analysis, best)}: {reason}{_remaining(analysis)}."


def _remaining(analysis: TuningAnalysis) -> str:
    """Which readouts, beside reference and best on dev, differ from the reference."""
    n, reference = analysis.largest_size, analysis.reference
    readouts = [x for x in analysis.readouts if x not in {analysis.best_on_dev, reference}]
    names = {readout: versus(readout, reference, n) for readout in readouts}
    groups = by_outcome(analysis.readout_comparisons[n], names)
    clear = [f"{OUTCOMES[sign]}: {join_words(groups[sign])}" for sign in (1, -1) if sign in groups]
    if clear:
        return f"; on test, {'; '.join(clear)}"
    return "; no other can be told from it" if 0 in groups else ""


def _gain(analysis: TuningAnalysis) -> str:
    n = analysis.largest_size
    family, name = analysis.gain_comparisons[n], versus(analysis.chosen, FROZEN, n)
    if name not in family.adjusted_p:
        return ""
    difference, sign = family.describe(name), family.sign(name)
    if sign == 1:
        return f"Fine-tuning gains {difference} over {PROBE}."
    if sign == -1:
        return f"Fine-tuning loses: {difference} against {PROBE}."
    return f"Fine-tuning against {PROBE}: {difference}."


def _scored(analysis: TuningAnalysis, name: str) -> str:
    score = analysis.tuned_scores[name, analysis.largest_size]
    return f"{name} ({analysis.task.metric} {format_estimate(score)})"


def _rows(analysis: TuningAnalysis, n: int) -> str:
    return f"all {n:,} rows" if n == len(analysis.task.splits.train) else f"{n:,} rows"
