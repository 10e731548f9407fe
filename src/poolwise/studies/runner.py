"""One pass for any number of studies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.records import Finding, Precision, Sentence
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.base import Study
from poolwise.texts import Texts


def run(
    model: Model,
    texts: Texts,
    studies: Sequence[Study],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> list[Finding]:
    """Answer every study's question from one pass over ``texts``.

    The pass reads the union of the studies' readouts; then follow the control texts that the
    studies made from what they saw. Raises StudyError where the data cannot carry an answer.
    """
    readouts = list(dict.fromkeys(str(r) for study in studies for r in study.readouts(model)))

    def feed(some: Iterable[Sentence]) -> int:
        count = 0
        for batch in model.extract(some, readouts, precision=precision, progress=progress):
            count += len(batch)
            with single_blas_thread():
                for study in studies:
                    study.consume(batch)
        return count

    n_texts = feed(texts)
    if not n_texts:
        raise StudyError(f"{texts.name} holds no text, so there is nothing to measure")
    for study in studies:
        feed(list(study.control_texts()))
    facts = model.provenance(precision) | {
        "texts": texts.name,
        "texts_sha256": texts.hash,
        "n_texts": n_texts,
    }
    provenance = with_date(facts)
    with single_blas_thread():
        found = [finding for study in studies for finding in study.findings()]
    return [replace(finding, provenance={**provenance, **finding.provenance}) for finding in found]
