"""The verdict and the notes of a probing finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.errors import listed
from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.probing.paired_tests import DepthRange, TaskResult

DEPTH_RANGES: dict[DepthRange, str] = {
    "low": "low (worse at the last layer)",
    "middle": "in the middle (worse at layer 0 and at the last)",
    "high": "high (worse at layer 0)",
}


def verdict(results: Sequence[TaskResult]) -> str:
    """Which tasks the probes solve beyond the controls, at which depth, and with which pool."""
    sentences = [*_leaks(results), *_against_controls(results), *_depths(results)]
    return " ".join([*sentences, *_first_layers(results), *_pools(results)])


def notes(results: Sequence[TaskResult]) -> list[str]:
    """A line a task, then how everything was measured."""
    return [*map(_task, results), *_splits(results), *_codes(results), *METHOD]


METHOD = (
    "The probe is a penalised linear discriminant on standardised features; its penalty is chosen "
    "by an exact cross-validation over five folds of train. Readouts and controls are "
    "chosen on dev and reported on test; differences are paired by row, and count only where they "
    "pass Holm's correction over all tasks.",
    "Controls: the re-initialised encoder (same architecture and tokenizer, random weights, the "
    "best of all its layers and pools), a linear support vector machine on word counts, steps of "
    "the length in tokens, words and characters, and the most frequent label.",
    "Selectivity is accuracy less the accuracy on labels drawn for each first word, the mean of "
    "five draws (Hewitt & Liang 2019). Compression is how many times shorter the labels of train "
    "get in an online code by logistic regressions on the vectors (Voita & Titov 2020); 1 is "
    "nothing learned.",
)


def _leaks(results: Sequence[TaskResult]) -> Iterator[str]:
    leaking = [r.name for r in results if r.leaks]
    if leaking:
        yield (
            f"Do not trust {join_words(leaking)}: even shuffled labels are named better than by "
            "always naming the most frequent one."
        )


def _against_controls(results: Sequence[TaskResult]) -> Iterator[str]:
    better = [f"{r.name} ({r.best_control.first})" for r in results if _beats_controls(r)]
    worse = [f"{r.name} ({r.best_control.second})" for r in results if r.best_control.sign < 0]
    unclear = [r.name for r in results if not r.best_control.sign and r.majority.sign > 0]
    chance = [r.name for r in results if r.best_control.sign >= 0 and r.majority.sign <= 0]
    if better:
        yield f"The vectors say more than any control about {join_words(better)}."
    if worse:
        yield f"A control says more about {join_words(worse)}."
    if unclear:
        yield (
            "No more than the best control tells, as far as these data show: "
            f"{join_words(unclear)}."
        )
    if chance:
        yield f"No better than always naming the most frequent label: {join_words(chance)}."


def _beats_controls(result: TaskResult) -> bool:
    return result.best_control.sign > 0 and result.majority.sign > 0


def _depths(results: Sequence[TaskResult]) -> Iterator[str]:
    for depth_range, description in DEPTH_RANGES.items():
        tasks = [r.name for r in results if r.best_depth == depth_range]
        if tasks:
            yield f"Read best {description}: {join_words(tasks)}."
    unclear = [r.name for r in results if not r.best_depth and r.majority.sign > 0]
    if unclear:
        yield f"Where best cannot be told: {join_words(unclear)}."


def _first_layers(results: Sequence[TaskResult]) -> Iterator[str]:
    """Tasks that layer 0 does not solve beyond the controls, with the first layer that does."""
    late = [
        f"{r.name} from layer {r.layers[0]} on"
        for r in results
        if _beats_controls(r) and r.layers and r.layers[0] > 0
    ]
    if late:
        yield f"Beyond the controls only {join_words(late)}."


def _pools(results: Sequence[TaskResult]) -> Iterator[str]:
    mean = [r.name for r in results if r.mean_to_cls.sign > 0]
    cls = [r.name for r in results if r.mean_to_cls.sign < 0]
    if mean:
        yield f"The mean reads {join_words(mean)} better than [CLS]."
    if cls:
        yield f"[CLS] reads {join_words(cls)} better than the mean."
    if not mean and not cls:
        yield "Between the mean and [CLS] these data can show no difference."


def _task(result: TaskResult) -> str:
    scores, control = result.scores, result.best_control
    accuracies = scores.selection.test_scores
    line = (
        f"{result.name}: {control.first} {format_estimate(accuracies[scores.best_readout])}; best "
        f"control, {control.second}, {format_estimate(accuracies[scores.best_control])}; "
        f"difference {format_estimate(control.difference.value, sign=True)}; shuffled "
        f"labels {format_estimate(scores.shuffled_accuracy)}; selectivity "
        f"{format_estimate(scores.selectivity.value, sign=True)}"
    )
    code = scores.code
    return line if code is None else f"{line}; compression {format_estimate(code.compression)}"


def _splits(results: Sequence[TaskResult]) -> Iterator[str]:
    tasks_by_note: dict[str, list[str]] = {}
    for result in results:
        for note in result.scores.task.splits.notes:
            tasks_by_note.setdefault(note, []).append(result.name)
    for note, names in tasks_by_note.items():
        yield f"{'all tasks' if len(names) == len(results) else join_words(names)}: {note}"
    for result in results:
        if unseen := result.scores.task.unseen_labels:
            yield (
                f"{result.name}: {len(unseen)} labels do not occur in train and cannot be named: "
                + listed(unseen, limit=5)
            )


def _codes(results: Sequence[TaskResult]) -> Iterator[str]:
    for result in results:
        code, labels = result.scores.code, len(result.scores.task.classes)
        if code is None:
            yield f"{result.name}: no online code; {labels:,} labels would take too long"
        elif not code.converged:
            yield f"{result.name}: a regression of the online code was stopped before its end"
