"""poolwise.sweep: which readout, measured on one's own data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import (
    as_datasets,
    check_score,
    take_kind_prompts,
)
from poolwise.api.read_options import read_options
from poolwise.api.sweep_result import SweepChoice, SweepResult
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Finding, Precision

if TYPE_CHECKING:
    from poolwise.selection.selection import Selection


def sweep(
    model: Model | str | Path | Sequence[Model | str | Path],
    *,
    data: object = None,
    labels: object = None,
    pairs: object = None,
    tags: object = None,
    queries: object = None,
    texts: object = None,
    task: str | None = None,
    grid: str = "default",
    score: str | None = None,
    seed: int = 0,
    repeats: int = 0,
    learning_curve: bool = False,
    precision: Precision = "exact",
    prompt: str | None = None,
    prompt_name: str | None = None,
    max_length: int | None = None,
    progress: bool = False,
    **reading: Any,
) -> SweepResult:
    """Measure every layer, pool and step of ``model`` on this data, in one pass.

    Every row is scored by what was fitted without it; the score of the choice is of rows that it
    was not made on. ``model`` is what ``load`` gives, or takes. Of a list of models all readouts
    compete on the same rows, against the one that the first model declares; those given by name
    are in memory one at a time. ``max_length`` is of models given by name. ``labels``, ``pairs``,
    ``tags`` and ``texts`` are paths, frames, ``datasets.Dataset``, Arrow tables or lists; a list of
    them is several sets. ``queries`` are a folder in BEIR's layout, ``hf:NAME`` in MTEB's or a
    table with positives; or texts by their ids, with ``corpus`` and ``relevance`` (BEIR's dicts,
    tables, paths). With ``queries_from="labels"`` labelled texts search those of their label.
    Or ``data`` is one table of any kind: what is in it is inferred, and said
    in the notes; ``target`` and ``text_column`` name columns of it. ``task`` says what readouts are
    chosen by: classification, regression, clustering, similarity, pair-classification, retrieval or
    bitext; by default what the data can carry. ``grid`` is ``default``, ``full``, or readouts
    between blanks. ``score`` is of labels: accuracy, balanced accuracy, macro-F1, AUC or average
    precision; of numbers R2 or Spearman; by default what suits the labels; or of queries: nDCG@10
    (the default), recall@100, MRR@10, precision@1, MAP, at any rank. ``repeats``: how many times
    the choice is made anew, on two halves of the rows. ``learning_curve``: the choice is made anew
    on 50, 100, 200, 500, … rows as well, with probes trained on as many. ``reading`` are fields of
    ``ReadOptions``:
    ``limit``, ``dev``, ``test``, ``columns``, ``text_column``, ``label_column``, ``target``, …;
    and ``query_prompt``, ``document_prompt``, or these with ``_name``, where they differ from what
    the model's folder has for queries and documents.

    An interruption (Ctrl-C) carries as notes what was answered before. Raises StudyError where the
    data cannot carry an answer, TextError where they cannot be read.
    """
    from poolwise.api.model_sources import model_sources  # noqa: PLC0415 - slow to import
    from poolwise.selection.finding_part import with_part  # noqa: PLC0415 - likewise
    from poolwise.studies.choice_parts import choice_parts  # noqa: PLC0415 - likewise
    from poolwise.studies.model_sweep import sweep_models  # noqa: PLC0415 - likewise
    from poolwise.studies.pass_times import with_pass_times  # noqa: PLC0415 - likewise
    from poolwise.studies.sweep import sweep as sweep_model  # noqa: PLC0415 - likewise

    kinds = ("labels", "pairs", "tags", "queries", "texts")
    sets: dict[str, Any] = dict(zip(kinds, (labels, pairs, tags, queries, texts), strict=True))
    if data is None and all(value is None for value in sets.values()):
        raise StudyError("nothing to measure on: give data, pairs, labels, queries, tags or texts")
    prompts = take_kind_prompts(reading)
    datasets = as_datasets(data=data, task=task, **sets, options=read_options(seed, reading))
    check_score(score, datasets)
    sources = model_sources(
        model, prompt=prompt, prompt_name=prompt_name, kinds=prompts, max_length=max_length
    )
    options: dict[str, Any] = {"grid": grid, "score": score, "seed": seed}
    options["task"] = task or datasets.task
    options |= {"precision": precision, "progress": progress}
    answers: Iterator[tuple[Finding, Selection | None]]
    if several := len(sources) > 1:
        answers = sweep_models(sources, datasets, **options)
    else:
        encoder = sources[0].load()
        answers = sweep_model(encoder, datasets, **options)
    findings: list[Finding] = []
    choices: list[SweepChoice] = []
    try:
        for finding, selection in answers:
            findings.append(finding)
            if selection is None:
                continue
            choices.append(SweepChoice(selection, finding.provenance))
            for part in choice_parts(
                selection,
                repeats=repeats,
                learning_curve=learning_curve,
                seed=seed,
                progress=progress,
            ):
                findings[-1] = with_part(findings[-1], part)
                stability = [*choices[-1].stability, part.sentence]
                choices[-1] = replace(choices[-1], stability=stability)
    except KeyboardInterrupt as interruption:
        for finding in findings:
            interruption.add_note(f"answered before the interruption: {finding.verdict}")
        raise
    if not several:
        selections = [choice.selection for choice in choices]
        timed = with_pass_times(selections, {encoder: lambda: encoder}, precision)
        choices = [replace(c, selection=s) for c, s in zip(choices, timed, strict=True)]
    return SweepResult(findings, choices)
