"""Which readout does a frozen linear probe predict labels from best?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.records import CAREFUL, Finding, Number
from poolwise.selection.baselines import length_only
from poolwise.selection.finding import selection_finding
from poolwise.selection.label_kinds import scale_notes
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.data_tasks import task_of_labels
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.selection.tasks.task import estimate_on, separate_rows
from poolwise.statistics.paired import mean_differences
from poolwise.studies.choosing_study import ChoosingStudy
from poolwise.texts import DataKind, LabelledTexts
from poolwise.transforms import fit

Array = NDArray[np.float64]

_CONSTANTS: Mapping[type, str] = {
    LabelsTask: "always the most frequent label",
    RegressionTask: "always the mean",
}


class Classification(ChoosingStudy[LabelledTexts, LabelsTask | RegressionTask]):
    """The score of a logistic regression on frozen vectors, for the best third of all readouts.

    A linear discriminant screens them. Of labels that are numbers it is a ridge regression, of all
    readouts. Controls: the same probe on shuffled labels and on the text's length alone, and always
    the most frequent label, or the mean. ``score`` names one of
    ``selection.label_scores.LABEL_SCORES`` or ``NUMBER_SCORES``; by default it follows the labels.
    """

    name = "classification"
    question = "Which readout can a linear probe classify best?"
    takes: Sequence[DataKind] = ("labels",)

    def __init__(
        self, data: LabelledTexts, grid: str = "default", seed: int = 0, score: str | None = None
    ) -> None:
        super().__init__(data, task_of_labels(data, seed, score=score), grid, seed)
        if isinstance(self.task, RegressionTask):
            self.question = "Which readout can a linear probe predict numbers from best?"

    def report(self, selection: Selection) -> Finding:
        notes = []
        if isinstance(self.task, LabelsTask):
            notes += [*scale_notes(self.data[0].labels), *_rare_labels(self.task)]
        notes += self._chance_note(selection)
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=list(self._controls(selection)),
            notes=notes,
        )

    def _chance_note(self, selection: Selection) -> Iterator[str]:
        """A warning where the chosen readout is not shown to beat a constant prediction."""
        rows, task = selection.report_rows, self.task
        columns = np.column_stack(
            [selection.chance_scores, selection.row_scores[:, selection.chosen_index]]
        )[rows]
        gain = mean_differences(columns, 0, task.groups[rows])[1].value
        if gain.low is None or gain.low <= 0:
            yield (
                f"{CAREFUL}{selection.names[selection.chosen_index]} is not shown to do better "
                f"than always predicting {task.constant_prediction}"
            )

    def _controls(self, selection: Selection) -> Iterator[Number]:
        candidate = selection.candidates[selection.chosen_index]
        chosen, cache = candidate.readout, candidate.cache
        task, rows = self.task, cache.rows(self.task.texts)
        usable = cache.usable[rows]
        vectors = cache[str(chosen.pooled)][rows]
        if chosen.steps:
            vectors = fit(chosen, vectors[usable], cache.dense_stack).apply(vectors)
        rng = np.random.default_rng(self._seed)
        shuffled: NDArray[Any] = task.targets.copy()
        for part in separate_rows(task.folds):
            shuffled[part] = rng.permutation(shuffled[part])
        lengths = length_only(cache.n_tokens[rows], task.texts)
        jobs = [(vectors, usable, shuffled), (lengths, usable, None)]
        with ThreadPoolExecutor(cores()) as workers:
            on_shuffled, from_length = workers.map(lambda job: task.probe_scores(*job), jobs)
        controls = {
            f"{task.score} on shuffled labels": on_shuffled,
            f"{task.score} from length alone": from_length,
            _CONSTANTS[type(task)]: selection.chance_scores,
        }
        where = {"part": task.folds.part}
        reported = selection.report_rows
        for name, scores in controls.items():
            value = estimate_on(task, scores, reported)
            yield Number.of(name, value, where, control=True)


def _rare_labels(task: LabelsTask) -> Iterator[str]:
    counts = np.bincount(task.targets[task.folds.choice_rows])
    rare = int((counts == 1).sum())
    if rare:
        labels = "1 label has" if rare == 1 else f"{rare} labels have"
        yield (
            f"{labels} one text only: it is not among those trained on when it is predicted, and "
            "counts as missed"
        )
