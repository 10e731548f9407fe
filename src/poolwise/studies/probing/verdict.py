"""The verdict and the notes of a probing finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.probing.paired_tests import DepthRange, TaskResult

DEPTH_RANGES: dict[DepthRange, str] = {
    "low": "low (worse at the last layer)",
    "middle": "in the middle (worse at layer 0 and at the last)",
    "high": "high (worse at layer 0)",
}


MOST_NAMES = 3
"""Tasks that a sentence names."""


def verdict(results: Sequence[TaskResult]) -> str:
    """Which tasks a probe on the vectors solves better than every control."""
    leaking = [r.name for r in results if r.leaks]
    if leaking:
        return (
            f"Do not trust {_tasks(leaking, results)}: even shuffled labels are predicted better "
            "than by always giving the most frequent one."
        )
    shown = [r.name for r in results if is_shown(r)]
    others = [r.name for r in results if not is_shown(r)]
    if not shown:
        return (
            f"No probe on the vectors is shown to predict {_tasks(others, results)} better than "
            "the controls do."
        )
    exception = f"; for {_tasks(others, results)} this is not shown" if others else ""
    return (
        f"A probe on the vectors predicts {_tasks(shown, results)} better than every "
        f"control{exception}."
    )


def evidence(results: Sequence[TaskResult]) -> str:
    """The accuracy of each task's best readout and control, and the selectivity."""
    return "; ".join(map(_summary, results))


def is_shown(result: TaskResult) -> bool:
    """Whether the best readout beats every control, and its probe is selective: it predicts the
    labels better than labels drawn for each first word."""
    return _beats_controls(result) and result.selective and not result.leaks


def _tasks(names: Sequence[str], results: Sequence[TaskResult]) -> str:
    if len(names) <= MOST_NAMES:
        return join_words(names)
    if len(names) == len(results):
        return "the tasks"
    return "most of the tasks" if 2 * len(names) > len(results) else "some of the tasks"


def notes(results: Sequence[TaskResult]) -> list[str]:
    """Controls, depths and pools, a line a task, then how everything was measured."""
    return [
        *_against_controls(results),
        *_depths(results),
        *_first_layers(results),
        *_pools(results),
        *map(_task, results),
        *_folds(results),
        *_codes(results),
        *METHOD,
    ]


METHOD = (
    "The probe is a penalised linear discriminant on standardised features; every row is predicted "
    "by a probe and a penalty of the other folds. The best readout and the best control are chosen "
    "without the rows that they are scored on; differences are paired by row, and count only where "
    "they pass Holm's correction over all tasks.",
    "Controls: the re-initialised encoder (same architecture and tokenizer, random weights, the "
    "best of all its layers and pools), a linear support vector machine on word counts, steps of "
    "the length in tokens, words and characters, and the most frequent label.",
    "Selectivity is accuracy less the accuracy on labels drawn for each first word, the mean of "
    "five draws (Hewitt & Liang 2019). Compression is how many times shorter the labels "
    "get in an online code by logistic regressions on the vectors (Voita & Titov 2020); 1 is "
    "nothing learned.",
)


def _against_controls(results: Sequence[TaskResult]) -> Iterator[str]:
    better = [f"{r.name} ({r.best_control.first})" for r in results if is_shown(r)]
    memorised = [r.name for r in results if _beats_controls(r) and not r.selective]
    worse = [f"{r.name} ({r.best_control.second})" for r in results if r.best_control.sign < 0]
    unclear = [r.name for r in results if not r.best_control.sign and r.majority.sign > 0]
    chance = [r.name for r in results if r.best_control.sign >= 0 and r.majority.sign <= 0]
    if better:
        yield f"Predicted better than by any control: {join_words(better)}."
    if memorised:
        yield (
            "Predicted better than by any control, but labels drawn for each first word are "
            f"predicted as well: {join_words(memorised)}."
        )
    if worse:
        yield f"Predicted better by a control: {join_words(worse)}."
    if unclear:
        yield f"Not shown to be predicted better than by the best control: {join_words(unclear)}."
    if chance:
        yield (
            "Not shown to be predicted better than by always giving the most frequent label: "
            f"{join_words(chance)}."
        )


def _beats_controls(result: TaskResult) -> bool:
    return result.best_control.sign > 0 and result.majority.sign > 0


def _depths(results: Sequence[TaskResult]) -> Iterator[str]:
    for depth_range, description in DEPTH_RANGES.items():
        tasks = [r.name for r in results if r.best_depth == depth_range]
        if tasks:
            yield f"Read best {description}: {join_words(tasks)}."
    unclear = [r.name for r in results if not r.best_depth and r.majority.sign > 0]
    if unclear:
        yield f"Where best, these rows do not show: {join_words(unclear)}."


def _first_layers(results: Sequence[TaskResult]) -> Iterator[str]:
    """Tasks that layer 0 does not solve beyond the controls, with the first layer that does."""
    late = [
        f"{r.name} from layer {r.layers[0]} on"
        for r in results
        if _beats_controls(r) and r.layers and r.layers[0] > 0
    ]
    if late:
        yield f"Better than every control only: {join_words(late)}."


def _pools(results: Sequence[TaskResult]) -> Iterator[str]:
    mean = [r.name for r in results if r.mean_to_cls.sign > 0]
    cls = [r.name for r in results if r.mean_to_cls.sign < 0]
    if mean:
        yield f"The mean predicts {join_words(mean)} better than [CLS] does."
    if cls:
        yield f"[CLS] predicts {join_words(cls)} better than the mean does."
    if not mean and not cls:
        yield "No difference between the mean and [CLS] is shown."


def _summary(result: TaskResult) -> str:
    scores, control = result.scores, result.best_control
    return (
        f"{result.name}: {control.first} {format_estimate(scores.best_readout.score)}, best "
        f"control, {control.second}, {format_estimate(scores.best_control.score)}, selectivity "
        f"{format_estimate(scores.selectivity.value, sign=True)}"
    )


def _task(result: TaskResult) -> str:
    line = (
        f"{_summary(result)}; gain over the control "
        f"{format_estimate(result.best_control.difference.value, sign=True)}, accuracy on shuffled "
        f"labels {format_estimate(result.scores.shuffled_accuracy)}"
    )
    code = result.scores.code
    return line if code is None else f"{line}, compression {format_estimate(code.compression)}"


def _folds(results: Sequence[TaskResult]) -> Iterator[str]:
    tasks_by_note: dict[str, list[str]] = {}
    for result in results:
        for note in result.scores.task.notes:
            tasks_by_note.setdefault(note, []).append(result.name)
    for note, names in tasks_by_note.items():
        yield f"{'all tasks' if len(names) == len(results) else join_words(names)}: {note}"


def _codes(results: Sequence[TaskResult]) -> Iterator[str]:
    for result in results:
        code, labels = result.scores.code, len(result.scores.task.classes)
        if code is None:
            yield f"{result.name}: no online code; {labels:,} labels would take too long"
        elif not code.converged:
            yield f"{result.name}: a regression of the online code was stopped before its end"
