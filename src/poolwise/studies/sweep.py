"""The sweep: every question that the data can answer, over one pass of the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from poolwise.encoders import Encoder
from poolwise.model import Model
from poolwise.records import Finding, Precision
from poolwise.selection.duplicates import with_groups
from poolwise.selection.label_kinds import has_numbers
from poolwise.selection.score_names import scored_kind
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.pair_classification_task import is_match_or_not
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.studies.registry import QUESTIONS, studies_of
from poolwise.studies.run import run_studies
from poolwise.studies.study import Selects, Study
from poolwise.studies.task_choice import for_task, sweep_options
from poolwise.texts import Datasets

OF_CLASSES = ("similarity", "knows")
"""Questions about labels that are not asked where these are numbers."""

NUMBERS_NOTE = "similarity and what each layer knows are not measured on labels that are numbers"


def sweep(
    model: Model,
    datasets: Datasets,
    *,
    grid: str = "default",
    score: str | None = None,
    task: str | None = None,
    seed: int = 0,
    precision: Precision = "exact",
    progress: bool = False,
) -> Iterator[tuple[Finding, Selection | None]]:
    """Each finding as soon as it is known; with those that choose a readout of the grid, the
    selection they chose from.

    ``grid`` names readouts: see ``selection.grid``; ``score`` that of labels, by default what suits
    them: see ``selection.label_scores``. ``task`` names what readouts are chosen by, by default all
    that the data can carry: see ``task_choice``. Questions run in their shorter form where the
    longer one needs more passes or a network.
    """
    datasets = with_groups(model, datasets)
    studies = sweep_studies(model, datasets, grid=grid, score=score, task=task, seed=seed)
    for study, finding in run_studies(model, studies, precision=precision, progress=progress):
        selection = study.selection if isinstance(study, Selects) else None
        scored = None if selection is None else selection.task
        numbers = isinstance(scored, RegressionTask) and has_numbers(scored.data)
        notes = [*finding.notes, *[NUMBERS_NOTE] * numbers]
        yield replace(finding, notes=notes), selection


def sweep_studies(
    encoder: Encoder,
    datasets: Datasets,
    *,
    grid: str = "default",
    score: str | None = None,
    task: str | None = None,
    seed: int = 0,
) -> list[Study]:
    """The studies of a sweep: those whose data are there, in the registry's order."""
    datasets = for_task(datasets, task)
    studies: list[Study] = []
    for name, row in QUESTIONS.items():
        sets, row_options = _suited(name, datasets, task), sweep_options(name, task)
        if row_options is None or not _answerable(name, encoder, sets):
            continue
        own = score if score is not None and scored_kind(score) in row.takes else None
        options: dict[str, Any] = {"grid": grid, "score": own, "seed": seed}
        options = {option: options[option] for option in row.options if option in options}
        studies += studies_of(name, sets, **options, **row_options)
    return _last_geometry(studies)


def _suited(name: str, datasets: Datasets, task: str | None) -> Datasets:
    """Without labels and pairs of which the question is none: numbers are no classes, and pairs of
    two scores are matches or none unless a ``task`` is asked for."""
    labels = [d for d in datasets.labels if name not in OF_CLASSES or not has_numbers(d)]
    matches = name == "pair-classification"
    of_pairs = task is None and (matches or name == "similarity")
    pairs = [d for d in datasets.pairs if not of_pairs or is_match_or_not(d) == matches]
    return replace(datasets, labels=labels, pairs=pairs)


def _answerable(name: str, encoder: Encoder, datasets: Datasets) -> bool:
    """A pooler needs its weights; one task says little of what layers know."""
    if name == "pooler":
        return encoder.has_pooler
    return name != "knows" or len(datasets.labels) >= 2


def _last_geometry(studies: Sequence[Study]) -> list[Study]:
    """The space has one shape or nearly so: of the geometries the last, of plain texts if any."""
    last = next((study for study in reversed(studies) if study.name == "geometry"), None)
    return [study for study in studies if study.name != "geometry" or study is last]
