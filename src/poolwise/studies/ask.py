"""One question, answered on all the data that it can be measured on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poolwise.model import Model
from poolwise.records import Finding, Precision
from poolwise.selection.duplicates import with_groups
from poolwise.studies.registry import studies_of
from poolwise.studies.run import run_studies
from poolwise.texts import Datasets


def ask(
    name: str,
    model: Model,
    datasets: Datasets,
    *,
    precision: Precision = "exact",
    progress: bool = False,
    **options: Any,
) -> Iterator[Finding]:
    """Each finding of the question ``name`` as soon as it is known.

    ``options`` are those of its row in the registry (``seed``, ``readouts``, ``folder``, ``grid``).
    Raises OptionError for others, StudyError where the data cannot carry an answer.
    """
    studies = studies_of(name, with_groups(model, datasets), **options)
    for _, finding in run_studies(model, studies, precision=precision, progress=progress):
        yield finding
