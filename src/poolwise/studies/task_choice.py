"""The task that readouts are chosen by, where the user names one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from poolwise.errors import OptionError, StudyError, listed
from poolwise.selection.tasks.bitext_task import is_parallel
from poolwise.studies.registry import QUESTIONS
from poolwise.texts import Datasets, LabelKind, LabelledTexts, TaskName
from poolwise.texts.fields import is_number

QUESTION_OF: Mapping[str, str] = {
    **{task: task for task in get_args(TaskName)},
    "regression": "classification",
}
"""The question that chooses by a task."""


def for_task(datasets: Datasets, task: str | None) -> Datasets:
    """The data as the task takes them: labels as classes or as numbers.

    Raises OptionError for the name of no task, StudyError for one that these data cannot carry.
    """
    if task is None:
        return datasets
    names = [name for name in QUESTION_OF if QUESTION_OF[name] in QUESTIONS]
    if task not in names:
        raise OptionError(f"task is {task!r:.60}, expected one of {listed(names)}")
    possible = [*dict.fromkeys(_possible_tasks(datasets))]
    if task not in possible:
        found = f"they carry {listed(possible)}" if possible else "they have no labels or scores"
        raise StudyError(f"{task} cannot be measured on these data: {found}")
    if task not in ("classification", "regression", "clustering"):
        return datasets
    kind: LabelKind = "regression" if task == "regression" else "classification"
    return replace(datasets, labels=[replace(data, kind=kind) for data in datasets.labels])


def sweep_options(question: str, task: str | None) -> Mapping[str, Any] | None:
    """The keyword arguments of a question in a sweep that chooses by ``task``; None where it is
    not asked: where it chooses by another task, or is part of a sweep only by this name."""
    options = QUESTIONS[question].sweep
    if task is None or question not in QUESTION_OF.values():
        return options
    return options or {} if question == QUESTION_OF[task] else None


def _possible_tasks(datasets: Datasets) -> Iterator[TaskName]:
    if datasets.labels:
        yield "classification"
        if all(map(_are_numeric, datasets.labels)):
            yield "regression"
        yield "clustering"
        yield "similarity"
    if datasets.pairs:
        yield "similarity"
        if any(len({*data.scores.tolist()}) == 2 for data in datasets.pairs):
            yield "pair-classification"
    if datasets.queries:
        yield "retrieval"
        if all(map(is_parallel, datasets.queries)):
            yield "bitext"


def _are_numeric(data: LabelledTexts) -> bool:
    return all(map(is_number, {*data.labels}))
