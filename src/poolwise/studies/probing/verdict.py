"""What a person would say who has read the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.errors import listed
from poolwise.selection.finding import format_estimate
from poolwise.studies.probing.paired_tests import Place, TaskResult

PLACES: dict[Place, str] = {
    "low": "low (worse at the last layer)",
    "middle": "in the middle (worse at layer 0 and at the last)",
    "high": "high (worse at layer 0)",
}


def verdict(answers: Sequence[TaskResult]) -> str:
    """What is known, where, from where on, and by which pool."""
    said = [*_leaks(answers), *_known(answers), *_places(answers), *_first(answers)]
    return " ".join([*said, *_pools(answers)])


def notes(answers: Sequence[TaskResult]) -> list[str]:
    """A line a task, then how all was measured."""
    return [*map(_task, answers), *_parts(answers), *_uncoded(answers), *METHOD]


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


def series(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _leaks(answers: Sequence[TaskResult]) -> Iterator[str]:
    leaking = [a.name for a in answers if a.leaks]
    if leaking:
        yield (
            f"Do not trust {series(leaking)}: even shuffled labels are named better than by always "
            "naming the most frequent one."
        )


def _known(answers: Sequence[TaskResult]) -> Iterator[str]:
    better = [f"{a.name} ({a.control.first})" for a in answers if _beyond(a)]
    worse = [f"{a.name} ({a.control.second})" for a in answers if a.control.sign < 0]
    unclear = [a.name for a in answers if not a.control.sign and a.chance.sign > 0]
    chance = [a.name for a in answers if a.control.sign >= 0 and a.chance.sign <= 0]
    if better:
        yield f"The vectors say more than any control about {series(better)}."
    if worse:
        yield f"A control says more about {series(worse)}."
    if unclear:
        yield f"No more than the best control tells, as far as these data show: {series(unclear)}."
    if chance:
        yield f"No better than always naming the most frequent label: {series(chance)}."


def _beyond(answer: TaskResult) -> bool:
    return answer.control.sign > 0 and answer.chance.sign > 0


def _places(answers: Sequence[TaskResult]) -> Iterator[str]:
    for place, where in PLACES.items():
        tasks = [a.name for a in answers if a.place == place]
        if tasks:
            yield f"Read best {where}: {series(tasks)}."
    nowhere = [a.name for a in answers if not a.place and a.chance.sign > 0]
    if nowhere:
        yield f"Where best cannot be told: {series(nowhere)}."


def _first(answers: Sequence[TaskResult]) -> Iterator[str]:
    late = [
        f"{a.name} from layer {a.layers[0]} on"
        for a in answers
        if _beyond(a) and a.layers and a.layers[0] > 0
    ]
    if late:
        yield f"Beyond the controls only {series(late)}."


def _pools(answers: Sequence[TaskResult]) -> Iterator[str]:
    mean = [a.name for a in answers if a.pool.sign > 0]
    cls = [a.name for a in answers if a.pool.sign < 0]
    if mean:
        yield f"The mean reads {series(mean)} better than [CLS]."
    if cls:
        yield f"[CLS] reads {series(cls)} better than the mean."
    if not mean and not cls:
        yield "Between the mean and [CLS] these data can show no difference."


def _task(answer: TaskResult) -> str:
    e = answer.evidence
    said = (
        f"{answer.name}: {answer.control.first} {format_estimate(e.selection.test_scores[e.chosen])}; best "
        f"control, {answer.control.second}, {format_estimate(e.selection.test_scores[e.best_control])}; "
        f"difference {format_estimate(answer.control.difference.value, sign=True)}; shuffled "
        f"labels {format_estimate(e.on_shuffled)}; selectivity "
        f"{format_estimate(e.selectivity.value, sign=True)}"
    )
    return said if e.code is None else f"{said}; compression {format_estimate(e.code.compression)}"


def _parts(answers: Sequence[TaskResult]) -> Iterator[str]:
    of_note: dict[str, list[str]] = {}
    for answer in answers:
        for note in answer.evidence.task.splits.notes:
            of_note.setdefault(note, []).append(answer.name)
    for note, names in of_note.items():
        yield f"{'all tasks' if len(names) == len(answers) else series(names)}: {note}"
    for answer in answers:
        if unseen := answer.evidence.task.unseen:
            yield (
                f"{answer.name}: {len(unseen)} labels do not occur in train and cannot be named: "
                + listed(unseen, limit=5)
            )


def _uncoded(answers: Sequence[TaskResult]) -> Iterator[str]:
    for answer in answers:
        code, labels = answer.evidence.code, len(answer.evidence.task.classes)
        if code is None:
            yield f"{answer.name}: no online code; {labels:,} labels would take too long"
        elif not code.converged:
            yield f"{answer.name}: a regression of the online code was stopped before its end"
