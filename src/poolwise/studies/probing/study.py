"""The study: probe the encoder and the same encoder untrained, then judge, speak and draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.errors import StudyError
from poolwise.progress import Progress
from poolwise.readouts import Readout, parse
from poolwise.records import Finding, Precision
from poolwise.selection.selection import Selection
from poolwise.selection.tasks import LabelsTask
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.studies.probing.charts import charts
from poolwise.studies.probing.controls import UNTRAINED, surface
from poolwise.studies.probing.numbers import numbers
from poolwise.studies.probing.paired_tests import judge
from poolwise.studies.probing.probes import Array, probe_all
from poolwise.studies.probing.scores import ProbingScores, gather
from poolwise.studies.probing.verdict import notes, verdict
from poolwise.texts import LabelledTexts

if TYPE_CHECKING:
    from poolwise.encoders import Encoder
    from poolwise.model import Model

POOLS = ("cls", "mean", "max")

FEWEST = 100
"""Rows of a task: a fifth of them, on test, say an accuracy to a quarter or so."""


class Probing:
    """What a frozen linear probe reads from each layer, for any number of tasks.

    The readout is chosen on dev and reported on test, and so is the best control: an encoder of the
    same architecture that has learned nothing, word counts, lengths, the most frequent label.
    Beside them shuffled labels, control tasks that only a memory for words can do, and the online
    code of the labels.
    """

    name = "knows"
    question = "What does each layer know?"

    def __init__(
        self, data: Sequence[LabelledTexts], asked: str = "default", seed: int = 0
    ) -> None:
        del asked  # A selection over post-processing steps is what other studies hold.
        self.selection: Selection | None = None
        self._seed, self.data = seed, data
        if not data:
            raise StudyError("there are no labelled texts to ask about: give a file of them a task")
        self._tasks = [_task(one, seed) for one in _named_apart(data)]
        self._readouts: list[Readout] = []

    @property
    def names(self) -> list[str]:
        """Of the tasks."""
        return [task.name for task in self._tasks]

    @property
    def texts(self) -> Sequence[str]:
        return [text for task in self._tasks for text in task.texts]

    def readouts(self, encoder: Encoder) -> Sequence[Readout]:
        """``cls``, ``mean`` and ``max`` of every layer."""
        layers = range(encoder.depth + 1)
        self._readouts = [parse(f"{pool}@{layer}") for pool in POOLS for layer in layers]
        return self._readouts

    def findings(
        self, model: Model, cache: VectorCache, *, progress: bool = False
    ) -> Iterator[Finding]:
        """One finding over all tasks."""
        answers = judge(self._evidence(model, cache, progress=progress))
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(answers),
            numbers=numbers(answers),
            charts=charts(answers),
            notes=notes(answers),
            made={
                "data": ", ".join(self.names),
                "data_sha256": {task.name: task.data.hash for task in self._tasks},
                "rows": {task.name: len(task) for task in self._tasks},
                "readouts": len(self._readouts),
                "seed": self._seed,
            },
        )

    def _evidence(self, model: Model, cache: VectorCache, *, progress: bool) -> list[ProbingScores]:
        with Progress("probes", len(self._readouts), show=progress) as bar:
            learned = probe_all(self._tasks, cache, self._readouts, bar)
        untrained = self._untrained(model, cache.precision, progress=progress)
        with Progress("tasks", len(self._tasks), show=progress) as bar:
            found = []
            for task, own, other in zip(self._tasks, learned, untrained, strict=True):
                selection = self._contest(model, task, cache, own, other)
                found.append(gather(task, selection, cache, self._seed))
                bar.advance(1)
        return found

    def _untrained(self, model: Model, precision: Precision, *, progress: bool) -> list[Array]:
        """A pass of its own, by an encoder that has learned nothing."""
        plain = reinitialize(model, self._seed)
        cache = cache_vectors(
            plain, self.texts, self._readouts, precision=precision, progress=progress
        )
        with Progress("probes", len(self._readouts), show=progress) as bar:
            return probe_all(self._tasks, cache, self._readouts, bar)

    def _contest(
        self, model: Model, task: LabelsTask, cache: VectorCache, own: Array, other: Array
    ) -> Selection:
        tokens = cache.n_tokens[cache.rows(task.texts)]
        controls = dict(surface(task, tokens, self._seed))
        names = [*controls, *(f"{UNTRAINED} {readout}" for readout in self._readouts)]
        return Selection(
            encoder=model,
            task=task,
            cache=cache,
            readouts=self._readouts,
            baselines=names,
            dimensions=[],
            row_scores=np.column_stack([own, *controls.values(), other]),
        )


def _named_apart(data: Sequence[LabelledTexts]) -> list[LabelledTexts]:
    """Each under its file's name without ending; numbered where that is another's too."""
    stems = [PurePath(one.name).stem for one in data]
    seen: Counter[str] = Counter()
    named = []
    for one, stem in zip(data, stems, strict=True):
        seen[stem] += 1
        again = f" ({seen[stem]})" if seen[stem] > 1 else ""
        named.append(replace(one, name=stem + again))
    return named


def _task(data: LabelledTexts, seed: int) -> LabelsTask:
    if len(data) < FEWEST:
        raise StudyError(
            f"{data.name}: {len(data)} rows; a probe can be told from its controls from {FEWEST} "
            "rows on, and some thousands make the intervals narrow: give more rows"
        )
    task = LabelsTask(data, seed)
    learned = {data.labels[i] for i in task.splits.train.tolist()}
    if len(learned) < 2:
        raise StudyError(
            f"{data.name}: every row of train has the label {learned.pop()!r}; a probe needs two "
            "labels to tell apart"
        )
    return task
