"""Runs studies of one model: one pass for all that share vectors, then study by study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.records import Finding, Precision
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.data_notes import with_data_notes
from poolwise.studies.study import Context, SharesVectors, Study


def run_studies(
    model: Model,
    studies: Sequence[Study],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> Iterator[tuple[Study, Finding]]:
    """Each study with each of its findings, as soon as it is known.

    The studies that share vectors get them from one pass over the union of their requests, which
    runs when the first of them does. Raises StudyError where data cannot carry an answer.
    """
    context = Context(model, precision, progress)
    for study in studies:
        if isinstance(study, SharesVectors) and context.cache is None:
            context = context_for(model, studies, precision=precision, progress=progress)
        yield from ((study, finding) for finding in findings_of(study, context))


def context_for(
    model: Model,
    studies: Sequence[Study],
    *,
    precision: Precision = "exact",
    progress: bool = False,
    text_baselines: bool = True,
) -> Context:
    """A context with the vectors that these studies request, from one pass."""
    context = Context(model, precision, progress, text_baselines=text_baselines)
    requests = [study.request(model) for study in studies if isinstance(study, SharesVectors)]
    texts = [text for request in requests for text in request.texts]
    queries = [text for request in requests for text in request.queries]
    documents = [text for request in requests for text in request.documents]
    readouts = {str(r): r for request in requests for r in request.readouts}
    if not (texts or queries or documents):
        raise StudyError("there is no text to measure on")
    cache = cache_vectors(
        model,
        texts,
        readouts.values(),
        queries=queries,
        documents=documents,
        **context.pass_options,
    )
    return replace(context, cache=cache)


def findings_of(study: Study, context: Context) -> Iterator[Finding]:
    """The study's findings, with provenance and the notes of the data."""
    provenance = with_date(context.model.provenance(context.precision))
    notes: list[str] = []
    shares = isinstance(study, SharesVectors)
    if shares:
        provenance |= {"texts": len(context.vectors)}
        notes = list(vector_notes(context.vectors))
    with single_blas_thread() if shares else nullcontext():
        findings = iter(list(study.run(context)) if shares else study.run(context))
    for finding in findings:
        complete = replace(
            finding, notes=[*finding.notes, *notes], provenance={**provenance, **finding.provenance}
        )
        yield with_data_notes(complete, study.data)


def vector_notes(cache: VectorCache) -> Iterator[str]:
    """What a finding says of the texts whose vectors it read."""
    yield from cache.unknown
    if cache.n_truncated:
        yield f"{cache.n_truncated:,} texts were cut to the encoder's maximum length"
    unusable = int((~cache.usable).sum())
    if unusable:
        yield f"{unusable:,} texts are empty or have vectors that are not finite; left out"
