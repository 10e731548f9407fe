"""The one answer of a sweep, from the selections that it made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from poolwise.records import CAREFUL, Answer
from poolwise.selection.charts import cleared
from poolwise.selection.choice import Choice
from poolwise.selection.finding import NO_CHOICE, model_charts, verdict
from poolwise.selection.grid import without_l2
from poolwise.selection.outcome import Decision, Outcome
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.ranking_scores import is_ranking_score
from poolwise.statistics.estimate import format_estimate, format_p

TEXTS = "texts.txt"
"""What a command calls the user's file of texts."""


def leading_selection(selections: Sequence[Selection]) -> Selection:
    """The first that has something to choose, or else the first: a probe on labels comes before
    similarity."""
    choosing = (s for s in selections if Outcome(s).decision is not Decision.NOTHING)
    return next(choosing, selections[0])


def answer_of(
    selections: Sequence[Selection],
    *,
    readout_file: str | None = None,
) -> Answer:
    """The answer of at least one selection; ``readout_file`` is where the chosen readout was
    written."""
    leading = leading_selection(selections)
    outcome = Outcome(leading)
    if outcome.decision is Decision.NOTHING:
        return Answer(
            NO_CHOICE,
            reason=_reason(outcome),
            certainty=_certainty(outcome),
            charts=model_charts(leading),
        )
    return Answer(
        recommendation=verdict(outcome),
        reason=_reason(outcome),
        cost=_cost(outcome),
        certainty=_certainty(outcome),
        command=_command(outcome, readout_file),
        notes=[*_baselines(outcome), *_single_layer(outcome), *_others(selections, leading)],
        charts=model_charts(leading),
    )


def _reason(outcome: Outcome) -> str:
    """One number with its interval, against what is used now."""
    selection = outcome.selection
    score, data = selection.task.score, selection.task.name
    if outcome.decision is Decision.NOTHING:
        return f"{score} {format_estimate(outcome.score)} on {data}, no more than chance gives"
    gain = format_estimate(outcome.gain.value, sign=True)
    if outcome.decision is Decision.CHANGE:
        return f"{gain} in {score} against {outcome.reference} on {data}"
    if selection.best_index == selection.reference:
        return f"{score} {format_estimate(outcome.score)} on {data}, the highest of all"
    best = selection.names[selection.best_index]
    return (
        f"the highest score, of {best}, changes {score} by {gain} on rows of {data} that it was "
        "not chosen on"
    )


def _cost(outcome: Outcome) -> str:
    selection, chosen = outcome.selection, outcome.selection.chosen_index
    cost = (
        f"{selection.dimensions[chosen]:,} dimensions, {selection.cost(chosen):.0%} of the "
        "encoder's blocks"
    )
    if not selection.milliseconds:
        return cost
    texts_per_second = 1000 / selection.milliseconds[chosen]
    return f"{cost}, about {texts_per_second:,.0f} texts a second measured on this machine"


def _certainty(outcome: Outcome) -> str:
    selection = outcome.selection
    rows, readouts = len(selection.choice_rows), len(selection.readouts)
    if outcome.decision is Decision.NOTHING:
        return f"{rows:,} rows and {readouts:,} readouts; more rows may show more"
    if outcome.decision is Decision.CHANGE:
        return (
            f"p {format_p(outcome.p)} that {readouts:,} equal readouts show so large a difference "
            f"on {rows:,} rows"
        )
    if outcome.smallest_difference is None:
        return f"of {readouts:,} readouts on {rows:,} rows none scores higher"
    return (
        f"between these two, {rows:,} rows would show a difference of "
        f"{outcome.smallest_difference:.3f} or more in 4 of 5 cases, among {readouts:,} readouts"
    )


def _command(outcome: Outcome, readout_file: str | None) -> str:
    """Embedding with the readout; what the model declares needs no naming."""
    candidate = outcome.selection.candidates[outcome.selection.chosen_index]
    readout, encoder = readout_file or str(candidate.readout), candidate.encoder
    # A local folder's name is the last of its path, which alone does not find it.
    local = encoder.folder.resolve().name == encoder.name
    model = str(encoder.folder) if local else encoder.name
    words = ["poolwise", "embed", model, TEXTS, "-o", "vectors.parquet"]
    if not _is_declared(outcome.selection):
        words += ["--readout", readout]
    return shlex.join(words)


def _is_declared(selection: Selection) -> bool:
    chosen = selection.chosen_index
    encoder = selection.candidates[chosen].encoder
    declared = encoder.declared
    return declared is not None and selection.find(declared, encoder) == chosen


def _baselines(outcome: Outcome) -> Iterator[str]:
    """Baselines that are shown to score higher than the chosen readout."""
    selection = outcome.selection
    n_readouts, chosen = len(selection.readouts), selection.chosen_index
    differences = selection.differences_from(chosen)[n_readouts:]
    names = selection.names[n_readouts:]
    for name, difference, clear in zip(names, differences, cleared(differences), strict=True):
        if clear and (difference.value.value or 0.0) > 0:
            yield (
                f"{CAREFUL}{name}, a baseline, scores higher than {selection.names[chosen]}: "
                f"{format_estimate(difference.value, sign=True)}"
            )


def _single_layer(outcome: Outcome) -> Iterator[str]:
    """Where the chosen readout is not the best layer as pooled, how the two differ."""
    selection = outcome.selection
    chosen = selection.chosen_index
    single = [
        i
        for i, readout in enumerate(selection.readouts)
        if readout.layers is not None
        and readout.layers.combine == "single"
        and not without_l2(readout).steps
    ]
    if len(single) < 2 or chosen in single:
        return
    best = Choice(selection, single).index
    if selection.tied_with(chosen, [best]):
        yield (
            f"the best single layer as pooled is {selection.names[best]}; its difference from "
            f"{outcome.name} is within chance"
        )
    else:
        yield (
            f"the best single layer as pooled is {selection.names[best]}; {outcome.name} scores "
            "higher"
        )


def _others(selections: Sequence[Selection], leading: Selection) -> Iterator[str]:
    """Selections by another score that chose another readout, and why they may."""
    for selection in selections:
        outcome = Outcome(selection)
        name = selection.names[leading.chosen_index] if selection is leading else outcome.name
        if selection is leading or outcome.decision is Decision.NOTHING:
            continue
        if name != leading.names[leading.chosen_index]:
            yield (
                f"by {selection.task.score} on {selection.task.name} {name} is the one to use: "
                f"{_purpose(selection)}, and this answer is by {leading.task.score} on "
                f"{leading.task.name}"
            )


def _purpose(selection: Selection) -> str:
    if is_ranking_score(selection.task.score):
        return "that is what a search for documents sees, without training"
    return _PURPOSES.get(selection.task.score, "that is what a trained linear classifier sees")


_PURPOSES = {
    "mean average precision": "that is what a search for near texts sees, without training",
    "Spearman": "that is how cosines agree with people's scores",
    "V-measure": "that is what clusters of k-means show, without training",
}
