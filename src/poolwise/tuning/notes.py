"""The notes of a comparison: how its numbers came about, and what may have gone wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.tuning.analysis import FROZEN, TuningAnalysis, versus
from poolwise.tuning.finding_numbers import CONSTANT, constant_scores
from poolwise.tuning.records import TrainingOptions, TrainingResult
from poolwise.tuning.verdict import OUTCOMES, by_outcome

ENOUGH_SEEDS = 5
"""With fewer, the variance between trainings is known roughly."""

MIN_OVERLAP = 0.1
"""The share of train from which on the subsets of two seeds share many rows."""


def notes(analysis: TuningAnalysis, options: TrainingOptions) -> Iterator[str]:
    yield from analysis.task.notes
    yield from _comparisons(analysis)
    yield from _intervals(analysis)
    yield from _subsets(analysis)
    yield from _rates(analysis, options)
    yield from _epochs(analysis)
    yield from _degenerate(analysis)


def _comparisons(analysis: TuningAnalysis) -> Iterator[str]:
    """A line a size: the readouts by their outcome against the reference, and against frozen."""
    reference = analysis.reference
    for n in reversed(analysis.sizes):
        names = {x: versus(x, reference, n) for x in analysis.readouts if x != reference}
        if text := _listed(by_outcome(analysis.readout_comparisons[n], names)):
            yield f"n = {n:,}, against {reference}: {text}"
        gains = analysis.gain_comparisons[n]
        names = {x: versus(x, FROZEN, n) for x in analysis.readouts}
        names = {x: name for x, name in names.items() if name in gains.adjusted_p}
        if text := _listed(by_outcome(gains, names)):
            yield f"n = {n:,}, fine-tuned against {FROZEN}: {text}"
    yield from _best_frozen(analysis)
    yield (
        f"chosen on dev by the mean over seeds at n = {analysis.largest_size:,}; kept is "
        f"{reference} unless that choice is shown to be better on test"
    )


def _best_frozen(analysis: TuningAnalysis) -> Iterator[str]:
    """Another readout may do as well without any training of the encoder."""
    n, frozen = analysis.largest_size, analysis.frozen_scores
    scores = {name: frozen[name, n] for name in analysis.readouts if (name, n) in frozen}
    values = {name: score.value for name, score in scores.items() if score.value is not None}
    chosen = analysis.tuned_scores[analysis.chosen, n].value
    if values and chosen is not None:
        best = max(values, key=lambda name: values[name])
        more = "more" if values[best] > chosen else "no more"
        yield (
            f"without fine-tuning the highest on test, at n = {n:,}, is {best} "
            f"({format_estimate(scores[best])}), {more} than the choice above; picked on test, so "
            "a little too good"
        )


def _intervals(analysis: TuningAnalysis) -> Iterator[str]:
    rows, seeds = f"{len(analysis.task.splits.test):,} rows of test", analysis.n_seeds
    if seeds == 1:
        yield (
            f"one seed: intervals cover another draw of the {rows}, not another training; give "
            "more --seeds"
        )
        return
    few = "" if seeds >= ENOUGH_SEEDS else f"; {seeds} seeds are few, and intervals wide for it"
    yield (
        f"intervals cover another draw of the {rows} as well as another seed (initialisation, "
        f"order, training rows), {seeds} seeds{few}; differences are paired by row and seed, "
        "and count only where they pass Holm's correction over those of their size"
    )


def _subsets(analysis: TuningAnalysis) -> Iterator[str]:
    train = len(analysis.task.splits.train)
    sizes = [n for n in analysis.sizes if n >= MIN_OVERLAP * train]
    if analysis.n_seeds > 1 and sizes:
        shares = join_words([f"{n / train:.0%} at n = {n:,}" for n in sizes])
        yield (
            f"subsets of train, {train:,} rows, overlap: two seeds share about {shares} of their "
            "rows, so intervals say less of other training rows"
        )


def _rates(analysis: TuningAnalysis, options: TrainingOptions) -> Iterator[str]:
    """The rates tried, and the readouts that chose one at an end of the grid."""
    grid = sorted(options.rates)
    if len(grid) == 1:
        yield f"one learning rate for all, {grid[0]:g}: another may suit a readout better"
        return
    rates = join_words([f"{rate:g}" for rate in grid])
    yield (
        f"learning rate chosen on dev for each readout and size, from {rates}, by the first third "
        "of a training with the first seed"
    )
    for end, rate in (("lowest", grid[0]), ("highest", grid[-1])):
        names = [name for name in analysis.readouts if rate in _chosen_rates(analysis, name)]
        if names:
            every = len(names) == len(analysis.readouts) > 1
            readouts = "all readouts" if every else join_words(names)
            yield (
                f"the {end} rate tried, {rate:g}, is chosen for {readouts}: one beyond may be "
                "better"
            )


def _chosen_rates(analysis: TuningAnalysis, readout: str) -> set[float]:
    return {result.run.rate for result in analysis.results[readout, analysis.largest_size]}


def _epochs(analysis: TuningAnalysis) -> Iterator[str]:
    results = analysis.runs.results
    unfinished = [result for result in results if result.best_epoch >= result.epochs]
    if unfinished:
        yield (
            f"{len(unfinished)} of {len(results)} trainings were best in their last epoch "
            f"({_listed_runs(unfinished)}): more epochs may change the order"
        )


def _degenerate(analysis: TuningAnalysis) -> Iterator[str]:
    """Trainings that are no better than a constant output."""
    task, results = analysis.task, analysis.runs.results
    constant = constant_scores(task, task.dev_sample)
    floor = sum(constant) / len(constant) + 1e-9
    failed = [result for result in results if not result.dev_score > floor]
    if failed:
        yield (
            f"{len(failed)} of {len(results)} trainings did no better on dev than "
            f"{CONSTANT[task.kind]} ({_listed_runs(failed)}): they learned nothing, and their "
            "readouts may do better at another rate"
        )


def _listed_runs(results: Sequence[TrainingResult]) -> str:
    """``cls@-1 at n = 100, max@-1 at n = 100 and 1,000``."""
    sizes: dict[str, dict[str, None]] = {}
    for result in results:
        sizes.setdefault(result.run.readout, {})[f"{result.run.n:,}"] = None
    return ", ".join(f"{name} at n = {join_words([*ns])}" for name, ns in sizes.items())


def _listed(groups: dict[int | None, list[str]]) -> str:
    """``worse: max@-1 (−0.031); no difference that these data can show: sep@-1 (+0.002)``."""
    return "; ".join(f"{OUTCOMES[s]}: {join_words(groups[s])}" for s in OUTCOMES if s in groups)
