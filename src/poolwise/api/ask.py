"""poolwise.ask: a question about a model, answered by a study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.api.inputs import (
    as_datasets,
    as_model,
    check_score,
    take_kind_prompts,
)
from poolwise.api.read_options import read_options
from poolwise.api.results import FindingsView
from poolwise.errors import OptionError, StudyError
from poolwise.model import Model
from poolwise.records import Finding, Precision
from poolwise.studies.registry import QUESTIONS


@dataclass(frozen=True)
class AskResult(FindingsView):
    """The findings of one question: one a data set, or one over all."""

    question: str
    findings: list[Finding]

    def __repr__(self) -> str:
        return f"<AskResult of {self.question}: {self.verdict}>"


def ask(
    question: str,
    model: Model | str | Path,
    *,
    data: object = None,
    texts: object = None,
    labels: object = None,
    pairs: object = None,
    tags: object = None,
    queries: object = None,
    readouts: Iterable[Any] = (),
    folder: str | Path | None = None,
    grid: str | None = None,
    score: str | None = None,
    seed: int = 0,
    precision: Precision = "exact",
    prompt: str | None = None,
    prompt_name: str | None = None,
    progress: bool = False,
    **reading: Any,
) -> AskResult:
    """Answer ``question`` (a name such as ``"length"``, see ``poolwise ask --help``).

    ``model`` is what ``load`` gives, or takes. ``texts``, ``labels``, ``pairs`` and ``tags`` are
    paths, frames, ``datasets.Dataset``, Arrow tables or lists; a list of them is several sets.
    ``queries``, ``corpus``, ``relevance`` and ``data`` are as in ``sweep``.
    ``readouts``, ``grid``, ``score`` (of labels, as in ``sweep``) and ``folder`` (where trainings
    are kept and resumed) belong to some questions only. ``reading`` are the fields of
    ``ReadOptions``: ``limit``, ``dev``, ``test``, ….

    Raises OptionError for a question or an option that does not exist, StudyError for data that
    cannot carry an answer, TextError for data that cannot be read.
    """
    if question not in QUESTIONS:
        names = ", ".join(QUESTIONS)
        raise OptionError(f"question is {question!r:.60}, expected one of {names}")
    from poolwise.studies.ask import ask as ask_studies  # noqa: PLC0415 - slow to import

    row = QUESTIONS[question]
    sets: dict[str, Any] = {
        "texts": texts,
        "labels": labels,
        "pairs": pairs,
        "tags": tags,
        "queries": queries,
    }
    given = {kind for kind, value in sets.items() if value is not None}
    given |= {"queries"} if reading.get("queries_from") else set()
    if data is None and given.isdisjoint(row.takes):
        raise StudyError(f"{question} is measured on {' or '.join(row.takes)}; none was given")
    special = {
        "readouts": list(readouts),
        "grid": grid,
        "score": score,
        "folder": folder and Path(folder),
    }
    options = {"seed": seed, **{name: value for name, value in special.items() if value}}
    kinds = take_kind_prompts(reading)
    datasets = as_datasets(data=data, **sets, options=read_options(seed, reading))
    if not any(getattr(datasets, kind) for kind in row.takes):
        raise StudyError(
            f"{question} is measured on {' or '.join(row.takes)}; the data hold none of them"
        )
    check_score(score, datasets)
    findings = ask_studies(
        question,
        as_model(model, prompt, prompt_name, kinds),
        datasets,
        precision=precision,
        progress=progress,
        **options,
    )
    return AskResult(question, list(findings))
