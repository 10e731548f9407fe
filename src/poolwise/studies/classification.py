"""Which readout does a frozen linear probe classify best?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.errors import listed
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.baselines import length_only
from poolwise.selection.cached_baselines import cached_baselines
from poolwise.selection.finding import selection_finding
from poolwise.selection.grid import expand_grid
from poolwise.selection.selection import Selection, score_readouts
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks import LabelsTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.logistic import logistic_probe
from poolwise.statistics.paired import mean_estimates
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts
from poolwise.transforms import fit

Array = NDArray[np.float64]

FINALISTS = 2


class Classification:
    """Accuracy of a linear discriminant on frozen vectors, for every readout.

    The finalists are confirmed by a multinomial logistic regression. Controls: the same probe on
    shuffled labels and on the text's length alone, and always the most frequent label.
    """

    name = "classification"
    question = "Which readout can a linear probe classify best?"
    takes: Sequence[DataKind] = ("labels",)

    def __init__(self, data: LabelledTexts, grid: str = "default", seed: int = 0) -> None:
        self.data = [data]
        self.task = LabelsTask(data, seed)
        self._grid, self._seed = grid, seed
        self._readouts: list[Readout] = []
        self.selection: Selection | None = None

    def request(self, model: Model) -> VectorRequest:
        self._readouts = expand_grid(model, self._grid, len(set(self.task.train_texts)))
        readouts = [r.pooled for r in self._readouts]
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        baselines, notes = cached_baselines(encoder, self.task, cache, self._seed)
        selection = score_readouts(
            encoder, self.task, self._readouts, cache, baselines, progress=progress
        )
        self.selection = selection
        numbers = [*self._logistic_scores(selection, cache), *self._controls(selection, cache)]
        if self.task.unseen_labels:
            notes.append(
                f"{len(self.task.unseen_labels)} labels do not occur in train and cannot be named: "
                + listed(self.task.unseen_labels, limit=5)
            )
        yield selection_finding(
            selection, study=self.name, question=self.question, numbers=numbers, notes=notes
        )

    def _logistic_scores(self, selection: Selection, cache: VectorCache) -> Iterator[Number]:
        """The best on dev, and the chosen one, under logistic regression, on test."""
        best = [i for i in selection.ranking if i < len(self._readouts)][:FINALISTS]
        finalists = [self._readouts[i] for i in dict.fromkeys([*best, selection.chosen_index])]
        rows = cache.rows(self.task.texts)
        with ThreadPoolExecutor(cores()) as workers:
            for readout, (estimate, note) in zip(
                finalists,
                workers.map(lambda r: self._logistic(r, cache, rows), finalists),
                strict=True,
            ):
                where = {"readout": str(readout), "part": "test"}
                name = "accuracy of logistic regression"
                yield Number.of(name, estimate, where, note=note)

    def _logistic(
        self, readout: Readout, cache: VectorCache, rows: RowIndices
    ) -> tuple[Estimate, str]:
        train, _, test = self.task.splits
        vectors = cache[str(readout.pooled)][rows]
        if readout.steps:
            vectors = fit(readout, vectors[train], cache.dense_stack).apply(vectors)
        y = self.task.targets
        groups = self.task.groups
        result = logistic_probe(vectors[train], y[train], vectors[test], groups[train])
        hits = (result.predicted == y[test])[:, None].astype(float)
        (estimate,) = mean_estimates(hits, groups[test])
        return estimate, result.note

    def _controls(self, selection: Selection, cache: VectorCache) -> Iterator[Number]:
        task, test = self.task, self.task.splits.test
        rows = cache.rows(task.texts)
        usable = cache.usable[rows]
        chosen = self._readouts[selection.chosen_index]
        vectors = cache[str(chosen.pooled)][rows]
        rng = np.random.default_rng(self._seed)
        shuffled = task.targets.copy()
        for split in task.splits:
            shuffled[split] = rng.permutation(shuffled[split])
        lengths = length_only(cache.n_tokens[rows], task.texts)
        most_frequent = np.bincount(task.targets[task.splits.train]).argmax()
        controls = {
            "accuracy on shuffled labels": task.hits(vectors, usable, shuffled),
            "accuracy from length alone": task.hits(lengths, usable, task.targets),
            "always the most frequent label": (task.targets == most_frequent).astype(float),
        }
        for name, hits in controls.items():
            (estimate,) = mean_estimates(hits[test][:, None], task.groups[test])
            yield Number.of(name, estimate, {"part": "test"}, control=True)
