"""Which readout's vectors fall into clusters that are the labels?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Finding, Number
from poolwise.selection.finding import selection_finding
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.clustering_task import CLUSTERING_SCORES, ClusteringTask
from poolwise.selection.tasks.task import estimate_on
from poolwise.statistics.pseudo_values import estimate
from poolwise.studies.choosing_study import ChoosingStudy, chosen_and_references
from poolwise.texts import DataKind, LabelledTexts


class Clustering(ChoosingStudy[LabelledTexts, ClusteringTask]):
    """V-measure of the labels and the clusters of k-means, for the best third of all readouts.

    k-means with few seeds screens them. Controls: the same clusters against shuffled labels, and
    clusters drawn at random. V-measure is above 0 for both, and more so with more labels; adjusted
    mutual information is not.
    """

    name = "clustering"
    question = "Which readout's clusters are the labels?"
    takes: Sequence[DataKind] = ("labels",)

    def __init__(self, data: LabelledTexts, grid: str = "default", seed: int = 0) -> None:
        super().__init__(data, ClusteringTask(data, seed), grid, seed)

    def report(self, selection: Selection) -> Finding:
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=list(self._numbers(selection)),
        )

    def _numbers(self, selection: Selection) -> Iterator[Number]:
        """The chosen readout and the references by the other scores, and the controls."""
        task, rows = self.task, selection.report_rows
        part = {"part": task.folds.part}
        shuffled = task.shuffled_labels(self._seed)
        for i, readout, cache in chosen_and_references(selection):
            clusters = task.clusters(cache, cache[str(readout.pooled)], readout)
            if clusters is None:
                continue
            for score in CLUSTERING_SCORES:
                scored, where = task.with_score(score), {"readout": selection.names[i], **part}
                if score != task.score:
                    value = estimate_on(scored, scored.pseudo_values(clusters), rows)
                    yield Number.of(score, value, where)
                if i == selection.chosen_index:
                    values = scored.pseudo_values(clusters, shuffled)[rows]
                    value = estimate(values, "real", task.groups[rows])
                    name = f"{score} on shuffled labels"
                    yield Number.of(name, value, where, control=True)
        chance = estimate_on(task, selection.chance_scores, rows)
        yield Number.of(f"{task.score} of random clusters", chance, part, control=True)
