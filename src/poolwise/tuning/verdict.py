"""What the trainings come to, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import NO_DIFFERENCE, ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.tuning.numbers import CONSTANT, constant_scores
from poolwise.tuning.outcomes import FROZEN, NOT_FINITE, Outcomes, versus
from poolwise.tuning.records import Recipe, Trial

GROUPS = {1: "better", -1: "worse", 0: NO_DIFFERENCE, None: "without a score to compare"}
PROBE = "a linear probe on the frozen vectors"
FEW = 5
"""Seeds below which what chance does in training is known roughly."""

SHARED = 0.1
"""Share of train from which on the subsets of two seeds hold noticeably the same rows."""


def verdict(held: Outcomes) -> str:
    """Which readout, what fine-tuning gains, and whether another token does."""
    return " ".join(filter(None, [_choice(held), _gain(held), of_first(held)]))


def of_first(held: Outcomes) -> str:
    """Whether another single token does as well as the first; nothing where none was asked."""
    if not held.tokens:
        return ""
    family, n = held.against[held.most], held.most
    groups = _groups(family, {name: versus(name, held.first, n) for name in held.tokens})
    first = f"the first token, {held.first}"
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


def notes(held: Outcomes, recipe: Recipe) -> Iterator[str]:
    """How to read it, and what may have gone wrong."""
    yield from held.task.notes
    yield from _compared(held)
    yield from _intervals(held)
    yield from _subsets(held)
    yield from _rates(held, recipe)
    yield from _epochs(held)
    yield from _degenerate(held)


def _choice(held: Outcomes) -> str:
    """The best on dev is taken where test shows it to be better than the reference."""
    n, best, reference = held.most, held.best, held.reference
    where = f"Fine-tuned on {_rows(held, n)} of {held.task.name}"
    if len(held.readouts) == 1:
        return f"{where}, {_scored(held, best)}."
    if best == reference:
        begin = f"{where}, keep {_scored(held, reference)}: no readout scored higher on dev"
        return f"{begin}{_others(held)}."
    family, name = held.against[n], versus(best, reference, n)
    told = family.describe(name)
    if family.sign(name) == 1:
        return f"{where}, take {_scored(held, best)}: {told} more than {reference}."
    if family.sign(name) == -1:
        return (
            f"{where}, keep {_scored(held, reference)}: {best}, the best on dev, scores {told} "
            "against it on test."
        )
    begin = f"{where}, keep {_scored(held, reference)}; the best on dev, {_scored(held, best)}"
    shown = told if family.sign(name) == 0 else NOT_FINITE
    return f"{begin}: {shown}{_others(held)}."


def _others(held: Outcomes) -> str:
    """Who is clearly worse than the reference, of those not told of."""
    names = [name for name in held.readouts if name not in {held.best, held.reference}]
    n = held.most
    labels = {name: versus(name, held.reference, n) for name in names}
    groups = _groups(held.against[n], labels)
    clear = [f"{GROUPS[sign]}: {join_words(groups[sign])}" for sign in (1, -1) if sign in groups]
    if clear:
        return f"; on test, {'; '.join(clear)}"
    return "; no other can be told from it" if 0 in groups else ""


def _gain(held: Outcomes) -> str:
    family, name = held.gains[held.most], versus(held.taken, FROZEN, held.most)
    if name not in family.adjusted_p:
        return ""
    told = family.describe(name)
    sign = family.sign(name)
    if sign == 1:
        return f"Fine-tuning gains {told} over {PROBE}."
    if sign == -1:
        return f"Fine-tuning loses: {told} against {PROBE}."
    return f"Fine-tuning against {PROBE}: {told}."


def _compared(held: Outcomes) -> Iterator[str]:
    """Each size in a line: who differs from the reference, and what fine-tuning gains."""
    for n in reversed(held.sizes):
        others = {x: versus(x, held.reference, n) for x in held.readouts if x != held.reference}
        if told := _listed(_groups(held.against[n], others)):
            yield f"n = {n:,}, against {held.reference}: {told}"
        probes = {x: versus(x, FROZEN, n) for x in held.readouts}
        known = {x: name for x, name in probes.items() if name in held.gains[n].adjusted_p}
        if told := _listed(_groups(held.gains[n], known)):
            yield f"n = {n:,}, fine-tuned against {FROZEN}: {told}"
    yield from _without_tuning(held)
    yield (
        f"chosen on dev by the mean over seeds at n = {held.most:,}; kept is {held.reference} "
        "unless that choice is shown to be better on test"
    )


def _without_tuning(held: Outcomes) -> Iterator[str]:
    """Another readout may do as well without any training of the encoder."""
    n = held.most
    scores = {name: held.frozen[name, n] for name in held.readouts if (name, n) in held.frozen}
    known = {name: found.value for name, found in scores.items() if found.value is not None}
    taken = held.tuned[held.taken, n].value
    if known and taken is not None:
        best = max(known, key=lambda name: known[name])
        more = "more" if known[best] > taken else "no more"
        yield (
            f"without fine-tuning the highest on test, at n = {n:,}, is {best} "
            f"({format_estimate(scores[best])}), {more} than the choice above; picked on test, so "
            "a little too good"
        )


def _intervals(held: Outcomes) -> Iterator[str]:
    rows = f"{len(held.task.splits.test):,} rows of test"
    if held.seeds == 1:
        yield (
            f"one seed: intervals cover another draw of the {rows}, not another training; give "
            "more --seeds"
        )
        return
    few = "" if held.seeds >= FEW else f"; {held.seeds} seeds are few, and intervals wide for it"
    yield (
        f"intervals cover another draw of the {rows} as well as another seed (initialisation, "
        f"order, training rows), {held.seeds} seeds{few}; differences are paired by row and seed, "
        "and count only where they pass Holm's correction over those of their size"
    )


def _subsets(held: Outcomes) -> Iterator[str]:
    train = len(held.task.splits.train)
    shared = [n for n in held.sizes if n >= SHARED * train]
    if held.seeds > 1 and shared:
        shares = join_words([f"{n / train:.0%} at n = {n:,}" for n in shared])
        yield (
            f"subsets of train, {train:,} rows, overlap: two seeds share about {shares} of their "
            "rows, so intervals say less of other training rows"
        )


def _rates(held: Outcomes, recipe: Recipe) -> Iterator[str]:
    """Which were tried, and who has one from the end of the grid."""
    grid = sorted(recipe.rates)
    if len(grid) == 1:
        yield f"one learning rate for all, {grid[0]:g}: another may suit a readout better"
        return
    tried = join_words([f"{rate:g}" for rate in grid])
    yield (
        f"learning rate chosen on dev for each readout and size, from {tried}, by the first third "
        "of a training with the first seed"
    )
    for end, rate in (("lowest", grid[0]), ("highest", grid[-1])):
        names = [
            name
            for name in held.readouts
            if any(one.setting.rate == rate for one in held.trials[name, held.most])
        ]
        if names:
            whom = "all readouts" if len(names) == len(held.readouts) > 1 else join_words(names)
            yield f"the {end} rate tried, {rate:g}, is chosen for {whom}: one beyond may be better"


def _epochs(held: Outcomes) -> Iterator[str]:
    last = [one for one in held.runs.trials if one.epoch >= one.epochs]
    if last:
        yield (
            f"{_of_all(held, last)} were best in their last epoch ({_named(last)}): more epochs "
            "may change the order"
        )


def _degenerate(held: Outcomes) -> Iterator[str]:
    """Trainings that tell nothing which a constant would not."""
    rows = constant_scores(held.task, held.task.choosing)
    floor = sum(rows) / len(rows) + 1e-9
    failed = [one for one in held.runs.trials if not one.dev > floor]
    if failed:
        yield (
            f"{_of_all(held, failed)} did no better on dev than {CONSTANT[held.task.kind]} "
            f"({_named(failed)}): they learned nothing, and their readouts may do better at "
            "another rate"
        )


def _of_all(held: Outcomes, trials: Sequence[Trial]) -> str:
    return f"{len(trials)} of {len(held.runs.trials)} trainings"


def _named(trials: Sequence[Trial]) -> str:
    """``cls@-1 at n = 100, max@-1 at n = 100 and 1,000``."""
    sizes: dict[str, dict[str, None]] = {}
    for one in trials:
        sizes.setdefault(one.setting.readout, {})[f"{one.setting.n:,}"] = None
    return ", ".join(f"{name} at n = {join_words([*of])}" for name, of in sizes.items())


def _groups(family: ComparisonFamily, names: dict[str, str]) -> dict[int | None, list[str]]:
    """Readouts by what they show, with the difference: ``{-1: ["max@-1 (−0.031)"]}``."""
    groups: dict[int | None, list[str]] = {}
    for readout, name in names.items():
        value = family[name].difference.value.value
        said = readout if value is None else f"{readout} ({value:+.3f})".replace("(-", "(−")
        groups.setdefault(family.sign(name), []).append(said)
    return groups


def _listed(groups: dict[int | None, list[str]]) -> str:
    """``worse: max@-1 (−0.031); no difference that these data can show: sep@-1 (+0.002)``."""
    return "; ".join(f"{GROUPS[s]}: {join_words(groups[s])}" for s in GROUPS if s in groups)


def _scored(held: Outcomes, name: str) -> str:
    return f"{name} ({held.task.score} {format_estimate(held.tuned[name, held.most])})"


def _rows(held: Outcomes, n: int) -> str:
    return f"all {n:,} rows" if n == len(held.task.splits.train) else f"{n:,} rows"
