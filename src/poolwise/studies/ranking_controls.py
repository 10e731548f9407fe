"""The controls of studies that rank documents: other queries' documents, and a random order."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.records import Number
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.tasks.task import estimate_on


def ranking_controls(selection: Selection, task: RetrievalTask, of_others: str) -> Iterator[Number]:
    """The chosen readout's score where relevance is that of other queries, which ``of_others``
    names, and the score of a random order."""
    rows, chosen = selection.report_rows, selection.chosen_index
    readout, cache = selection.readouts[chosen], selection.candidates[chosen].cache
    shuffled = task.shuffled().row_scores(cache, cache[str(readout.pooled)], readout)
    part = {"part": task.folds.part}
    where = {"readout": selection.names[chosen], **part}
    value = estimate_on(task, shuffled, rows)
    yield Number.of(f"{task.score} with {of_others}", value, where, control=True)
    value = estimate_on(task, selection.chance_scores, rows)
    yield Number.of(f"{task.score} of a random order", value, part, control=True)
