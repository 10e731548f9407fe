"""The study: probes on the encoder's readouts, and on those of the same encoder re-initialised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.readouts import Readout, parse
from poolwise.records import Finding, Precision
from poolwise.selection.candidates import candidates_of
from poolwise.selection.grid import layer_numbers
from poolwise.selection.label_kinds import check_classes
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.studies.probing.charts import charts
from poolwise.studies.probing.controls import UNTRAINED, surface_controls
from poolwise.studies.probing.numbers import numbers
from poolwise.studies.probing.paired_tests import compare_tasks
from poolwise.studies.probing.probes import Array, probe_all
from poolwise.studies.probing.scores import ProbingScores, score_task
from poolwise.studies.probing.verdict import evidence, notes, verdict
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts

POOLS = ("cls", "mean", "max")

MIN_ROWS = 100
"""Of a task: the interval of an accuracy is then about 0.2 wide."""


class Probing:
    """What a frozen linear probe reads from each layer, for any number of tasks.

    The readout is chosen without the rows that it is reported on, and so is the best control: the
    same encoder re-initialised, word counts, lengths, the most frequent label. Beside them:
    accuracy on shuffled labels, selectivity over control tasks by first word, and the online code
    of the labels.
    """

    name = "knows"
    question = "What does each layer know?"
    takes: Sequence[DataKind] = ("labels",)

    def __init__(self, data: Sequence[LabelledTexts], seed: int = 0) -> None:
        self._seed, self.data = seed, data
        if not data:
            raise StudyError("there are no labelled texts to ask about: give a file of them a task")
        self._tasks = [_task(labelled, seed) for labelled in _unique_names(data)]
        self._readouts: list[Readout] = []

    @property
    def names(self) -> list[str]:
        """The tasks' names."""
        return [task.name for task in self._tasks]

    @property
    def _texts(self) -> Sequence[str]:
        return [text for task in self._tasks for text in task.texts]

    def request(self, model: Model) -> VectorRequest:
        """``cls``, ``mean`` and ``max`` of every layer."""
        self._readouts = [
            parse(f"{pool}@{layer}") for pool in POOLS for layer in layer_numbers(model.depth)
        ]
        return VectorRequest(self._texts, self._readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding over all tasks."""
        results = compare_tasks(self._scores(context))
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(results),
            evidence=evidence(results),
            numbers=numbers(results),
            charts=charts(results),
            notes=notes(results),
            provenance={
                "data": ", ".join(self.names),
                "data_sha256": {task.name: task.data.hash for task in self._tasks},
                "rows": {task.name: len(task) for task in self._tasks},
                "readouts": len(self._readouts),
                "seed": self._seed,
            },
        )

    def _scores(self, context: Context) -> list[ProbingScores]:
        model, cache, progress = context.model, context.vectors, context.progress
        with Progress("probes", len(self._readouts), show=progress) as bar:
            trained = probe_all(self._tasks, cache, self._readouts, bar)
        untrained = self._untrained(model, cache.precision, progress=progress)
        with Progress("tasks", len(self._tasks), show=progress) as bar:
            scores = []
            for task, *hits in zip(self._tasks, trained, untrained, strict=True):
                selection = self._selection(model, task, cache, *hits)
                scores.append(score_task(task, selection, cache, self._seed))
                bar.advance(1)
        return scores

    def _untrained(self, model: Model, precision: Precision, *, progress: bool) -> list[Array]:
        """The hits of the same readouts of the re-initialised encoder, from a pass of its own."""
        untrained = reinitialize(model, self._seed)
        cache = cache_vectors(
            untrained, self._texts, self._readouts, precision=precision, progress=progress
        )
        with Progress("probes", len(self._readouts), show=progress) as bar:
            return probe_all(self._tasks, cache, self._readouts, bar)

    def _selection(
        self, model: Model, task: LabelsTask, cache: VectorCache, trained: Array, untrained: Array
    ) -> Selection:
        tokens = cache.n_tokens[cache.rows(task.texts)]
        controls = dict(surface_controls(task, tokens, self._seed))
        names = [*controls, *(f"{UNTRAINED} {readout}" for readout in self._readouts)]
        return Selection(
            candidates=candidates_of(model, self._readouts, cache),
            task=task,
            baselines=names,
            dimensions=[],
            row_scores=np.column_stack([trained, *controls.values(), untrained]),
        )


def _unique_names(data: Sequence[LabelledTexts]) -> list[LabelledTexts]:
    """Each data set named by its file's stem; a second one of the same stem is numbered."""
    counts: Counter[str] = Counter()
    renamed = []
    for labelled in data:
        stem = PurePath(labelled.name).stem
        counts[stem] += 1
        suffix = f" ({counts[stem]})" if counts[stem] > 1 else ""
        renamed.append(replace(labelled, name=stem + suffix))
    return renamed


def _task(data: LabelledTexts, seed: int) -> LabelsTask:
    if len(data) < MIN_ROWS:
        raise StudyError(
            f"{data.name}: {len(data)} rows; a probe can be told from its controls from {MIN_ROWS} "
            "rows on, and some thousands make the intervals narrow: give more rows"
        )
    check_classes(data, "probing")
    task = LabelsTask(data, seed, score="accuracy", probe="discriminant")
    for _, fitted, _ in task.folds.divisions():
        labels = {data.labels[i] for i in fitted.tolist()}
        if len(labels) < 2:
            raise StudyError(
                f"{data.name}: the rows that a probe is trained on all have the label "
                f"{labels.pop()!r}; it needs two labels to tell apart"
            )
    return task
