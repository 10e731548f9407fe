"""The turn of one model in a sweep of several: loaded, run over the texts once, dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from poolwise.progress import progress_of
from poolwise.records import Precision
from poolwise.selection.selection import Selection
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.model_source import SurveyedModel
from poolwise.studies.run import context_for, vector_notes
from poolwise.studies.study import Context, Selects


@dataclass(frozen=True, slots=True)
class ModelRun:
    """A selection for each study, of a model's own readouts; what was noted of its texts; how it
    ran."""

    model: SurveyedModel
    selections: Sequence[Selection]
    notes: Sequence[str]
    provenance: Mapping[str, str]

    def best(self) -> Iterator[str]:
        """The best readout of each selection, in a sentence."""
        for selection in self.selections:
            task, name = selection.task, selection.names[selection.best_index]
            score = f"{task.score} {format_estimate(selection.choice.score)} on {task.name}"
            yield f"{self.model.source.name}: its best readout is {name}, {score}"


def run_model(
    surveyed: SurveyedModel,
    studies: Sequence[Selects],
    precision: Precision,
    *,
    text_baselines: bool,
    progress: bool = False,
) -> ModelRun:
    """Score the model's readouts for each study; the selections keep its encoder without weights.

    Raises EncoderError or MissingExtraError where the model cannot be loaded or run.
    """
    name = surveyed.source.name
    with progress_of(name):
        model = surveyed.source.load()
        provenance = model.provenance(precision)
        context = context_for(
            model, studies, precision=precision, progress=progress, text_baselines=text_baselines
        )
        selections = [_selection(study, context, surveyed) for study in studies]
    context.vectors.memo.clear()
    notes = [f"{name}: {note}" for note in vector_notes(context.vectors)]
    return ModelRun(surveyed, selections, notes, provenance)


def _selection(study: Selects, context: Context, surveyed: SurveyedModel) -> Selection:
    with single_blas_thread():
        selection = study.select(context)
    candidates = [replace(c, encoder=surveyed.encoder) for c in selection.candidates]
    return replace(selection, candidates=candidates)
