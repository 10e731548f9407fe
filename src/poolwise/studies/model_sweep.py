"""The sweep of several models: the questions that choose a readout, over all readouts of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from poolwise.errors import EncoderError, MissingExtraError, ReadoutError
from poolwise.provenance import with_date
from poolwise.records import Finding, Precision
from poolwise.selection.candidates import short_names
from poolwise.selection.duplicates import grouped, grouped_texts, unite
from poolwise.selection.joining import join
from poolwise.selection.selection import Selection
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.data_notes import with_data_notes
from poolwise.studies.model_run import ModelRun, run_model
from poolwise.studies.model_source import (
    ModelSource,
    SurveyedModel,
    leave_out,
    none_loaded,
    reading_notes,
    survey,
)
from poolwise.studies.pass_times import with_pass_times
from poolwise.studies.study import Selects
from poolwise.studies.sweep import sweep_studies
from poolwise.texts import Datasets

CHOOSING_NOTE = (
    "of several models only the questions that choose a readout are asked; sweep a model alone to "
    "ask the others"
)


def sweep_models(
    sources: Sequence[ModelSource],
    datasets: Datasets,
    *,
    grid: str = "default",
    score: str | None = None,
    task: str | None = None,
    seed: int = 0,
    precision: Precision = "exact",
    progress: bool = False,
) -> Iterator[tuple[Finding, Selection]]:
    """A finding and a selection for each question that chooses, among all readouts of all models.

    One model after the other is loaded, runs over the texts once and is dropped. Rows are divided
    alike for all: texts that any of the models reads alike are one. An interruption carries as
    notes what earlier models scored.
    """
    known = survey(sources, grouped_texts(datasets))
    datasets = grouped(datasets, unite([model.groups for model in known.models]))
    encoder = known.models[0].encoder
    asked = sweep_studies(encoder, datasets, grid=grid, score=score, task=task, seed=seed)
    studies = [study for study in asked if isinstance(study, Selects)]
    notes = [*known.notes, CHOOSING_NOTE]
    runs = _run_all(known.models, studies, precision, notes, progress=progress)
    notes += [note for run in runs for note in run.notes]
    notes += reading_notes([run.model.encoder for run in runs])
    joined = [join(of_study) for of_study in zip(*(run.selections for run in runs), strict=True)]
    loaders = {run.model.encoder: run.model.source.load for run in runs}
    joined = with_pass_times(joined, loaders, precision, progress=progress)
    for study, selection in zip(studies, joined, strict=True):
        with single_blas_thread():
            finding = study.report(selection)
        provenance = {**_provenance(runs), **finding.provenance}
        complete = replace(finding, notes=[*finding.notes, *notes], provenance=provenance)
        yield with_data_notes(complete, study.data), selection


def _run_all(
    models: Sequence[SurveyedModel],
    studies: Sequence[Selects],
    precision: Precision,
    notes: list[str],
    *,
    progress: bool,
) -> list[ModelRun]:
    """Each model's turn; those that cannot run are left out, with a note added to ``notes``."""
    runs: list[ModelRun] = []
    try:
        for model in models:
            try:
                run = run_model(
                    model, studies, precision, text_baselines=not runs, progress=progress
                )
            except (EncoderError, MissingExtraError, ReadoutError) as error:
                if isinstance(error, ReadoutError) and not runs:
                    raise  # the grid is not one of the first model
                notes.append(leave_out(model.source.name, str(error)))
            else:
                runs.append(run)
    except KeyboardInterrupt as interruption:
        for run in runs:
            for sentence in run.best():
                interruption.add_note(f"scored before the interruption: {sentence}")
        raise
    if not runs:
        raise none_loaded(len(models))
    return runs


def _provenance(runs: Sequence[ModelRun]) -> dict[str, Any]:
    """That of the first run, with the names of all models and the hash of each."""
    labels = short_names([run.model.encoder.name for run in runs])
    hashes = {x: run.model.encoder.hash for x, run in zip(labels, runs, strict=True)}
    facts = {**runs[0].provenance, "model": " and ".join(labels), "models": hashes}
    return with_date({key: fact for key, fact in facts.items() if key != "model_hash"})
