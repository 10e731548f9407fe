"""What it costs that vectors are not made as the model's folder declares: the scores of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from poolwise.doctor.found_vectors import FoundVectors
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.records import Floats
from poolwise.selection.charts import LEVEL
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.selection.duplicates import with_groups
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.statistics.paired import Difference
from poolwise.studies.choosing_study import ChoosingStudy
from poolwise.studies.run import context_for, vector_notes
from poolwise.studies.sweep import sweep_studies
from poolwise.texts import Datasets, LabelledTexts, TextPairs

CHUNK = 1024
"""Texts whose found vectors are made at once."""

FOUND = "found"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the declared readout and the found way to make vectors score on one data set.

    ``difference`` is ``found`` less ``declared`` on the same ``rows``, in the same folds, with its
    95 % interval; ``p`` is two-sided and adjusted for all data sets measured, None where one of the
    scores is undefined. ``sentence`` says it in words.
    """

    data: str
    score: str
    rows: int
    declared: Estimate
    found: Estimate
    difference: Estimate
    p: float | None
    sentence: str
    notes: Sequence[str] = ()

    @property
    def significant(self) -> bool:
        """Whether these data show a difference."""
        return self.p is not None and self.p < LEVEL


def measure_costs(
    model: Model,
    found: FoundVectors,
    datasets: Datasets,
    *,
    task: str | None = None,
    score: str | None = None,
    seed: int = 0,
    progress: bool = False,
) -> list[Cost]:
    """The scores of the readout that ``model`` declares and of ``found``, on each data set.

    They are those of ``poolwise.sweep``: pairs by Spearman's rho, or average precision where scores
    are match or none; labels by a cross-fitted probe; queries by nDCG@10; or by ``task`` and
    ``score``. Raises StudyError where the data cannot carry an answer, or the folder declares no
    readout; EndpointError where a server that is asked fails.
    """
    declared = model.declared
    if declared is None:
        raise StudyError(f"{model.name} declares no readout that the found one could cost against")
    datasets = with_groups(model, datasets)
    options: dict[str, Any] = {"score": score, "task": task, "seed": seed}
    studies = [
        study
        for study in sweep_studies(model, datasets, grid=str(declared), **options)
        if isinstance(study, ChoosingStudy) and _measures(study, task)
    ]
    context = context_for(model, studies, progress=progress, text_baselines=False)
    cache = context.vectors
    vectors = _found_vectors(found, cache, progress=progress)
    notes = [*vector_notes(cache), *found.notes(cache.texts)]
    with single_blas_thread():
        selections = [
            score_readouts(model, study.task, [declared], cache, {FOUND: vectors})
            for study in studies
        ]
    return list(_costs(studies, selections, notes))


def _measures(study: ChoosingStudy[Any, Any], task: str | None) -> bool:
    """Whether costs are by its score; of labels it is the probe's, unless a task is named."""
    of_labels = isinstance(study.data[0], LabelledTexts)
    return task is not None or not (study.name == "similarity" and of_labels)


def _found_vectors(found: FoundVectors, cache: VectorCache, *, progress: bool) -> Floats:
    """The found vectors of the texts of the cache, in its order, [n, d]."""
    parts: list[Floats] = []
    with Progress("texts as the found vectors read them", len(cache), show=progress) as bar:
        for prompt, prompted in groupby(cache.prompted, lambda item: item[0]):
            texts = [text for _, text in prompted]
            for start in range(0, len(texts), CHUNK):
                chunk = texts[start : start + CHUNK]
                parts.append(np.asarray(found.of(chunk, prompt), np.float32))
                bar.advance(len(chunk))
    return np.concatenate(parts)


def _costs(
    studies: Sequence[ChoosingStudy[Any, Any]],
    selections: Sequence[Selection],
    notes: Sequence[str],
) -> Iterator[Cost]:
    differences = [selection.differences_from(0)[1] for selection in selections]
    names = [f"{number}" for number in range(len(selections))]
    family = ComparisonFamily(list(map(Comparison, names, differences)))
    for study, selection, difference, name in zip(
        studies, selections, differences, names, strict=True
    ):
        declared, found = selection.scores
        p = family.adjusted_p[name]
        yield Cost(
            study.task.name,
            study.task.score,
            len(selection.report_rows),
            declared,
            found,
            difference.value,
            None if np.isnan(p) else p,
            _sentence(study, selection, difference, family, name),
            list(dict.fromkeys([*study.task.notes, *notes])),
        )


def _sentence(
    study: ChoosingStudy[Any, Any],
    selection: Selection,
    difference: Difference,
    family: ComparisonFamily,
    name: str,
) -> str:
    task, (declared, found) = study.task, selection.scores
    part = "test " if task.folds.has_test else ""
    start = f"On your {len(selection.report_rows):,} {part}{_rows_named(study.data[0])}"
    if declared.value is None or found.value is None:
        missing = "declared readout" if declared.value is None else "one found"
        return f"{start} the {missing} has no {task.score}: every vector, or cosine, is the same."
    values = [format_estimate(Estimate(estimate.value)) for estimate in (declared, found)]
    scores = "scores {} and the one found {}".format(*values)
    sentence = f"{start} the declared readout {scores} ({task.score})"
    sign = family.sign(name)
    if not sign:
        return f"{sentence}: {family.describe(name)}."
    lost = _size(difference.value, sign)
    return f"{sentence}: {lost} is {'gained' if sign > 0 else 'lost'}."


def _size(difference: Estimate, sign: int) -> str:
    """``0.122 [0.104, 0.141]``, of a difference of this sign."""
    value, low, high = difference.value, difference.low, difference.high
    assert value is not None, "a difference with a sign has a value"
    if sign > 0 or low is None or high is None:
        return format_estimate(Estimate(abs(value), low, high))
    return format_estimate(Estimate(-value, -high, -low))


def _rows_named(data: object) -> str:
    if isinstance(data, TextPairs):
        return "pairs"
    return "texts with labels" if isinstance(data, LabelledTexts) else "queries"
