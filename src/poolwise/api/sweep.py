"""poolwise.sweep: which readout, measured on one's own data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import (
    as_datasets,
    check_score,
    take_kind_prompts,
)
from poolwise.api.read_options import read_options
from poolwise.api.results import FindingsView
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Answer, Finding, Precision

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from poolwise.selection.selection import Selection
    from poolwise.transforms.fitted_readout import FittedReadout


SELECTING = (
    "classification",
    "similarity",
    "retrieval",
    "clustering",
    "pair-classification",
    "bitext",
)
"""The studies that choose a readout, each with one finding."""


@dataclass(frozen=True)
class SweepResult(FindingsView):
    """The findings of a sweep, and the selections among readouts that they tell of.

    ``print`` gives the answer and the verdicts; a notebook shows them with their charts.
    ``stability``: of each selection, what repeats and a learning curve say of it, a sentence each.
    """

    findings: list[Finding] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)
    stability: list[Sequence[str]] = field(default_factory=list)

    @property
    def answer(self) -> Answer | None:
        """What to use, why, what it costs, how sure that is, and the next command; None where no
        question chose a readout."""
        return self.answer_with(None)

    def answer_with(self, readout_file: Path | None) -> Answer | None:
        """The answer, its command naming the file that the readout is written to."""
        from poolwise.studies.answer import answer_of  # noqa: PLC0415 - slow to import

        if not self.selections:
            return None
        answer = answer_of(
            self.selections,
            readout_file=None if readout_file is None else str(readout_file),
        )
        leading = self._leading
        sentences = [
            sentence
            for selection, stability in zip(self.selections, self.stability, strict=False)
            if selection is leading
            for sentence in stability
        ]
        return replace(answer, notes=[*sentences, *answer.notes])

    @cached_property
    def best(self) -> FittedReadout:
        """The readout of the answer, its steps fitted on all texts but those of test.

        ``embed``, ``export`` and ``Embedder`` take it as they take a readout's text; ``save``
        writes it. Raises StudyError where no question chose a readout.
        """
        from poolwise.selection.best import best_readout  # noqa: PLC0415 - slow to import

        selection = self._leading
        if selection is None:
            raise StudyError(
                "no question of this sweep chose a readout; give pairs or labels to choose on"
            )
        findings = [f for f in self.findings if f.study in SELECTING]
        provenance = next(
            f.provenance for s, f in zip(self.selections, findings, strict=True) if s is selection
        )
        return best_readout(selection, provenance)

    @property
    def _leading(self) -> Selection | None:
        from poolwise.studies.answer import leading_selection  # noqa: PLC0415 - slow to import

        return leading_selection(self.selections) if self.selections else None

    @property
    def scores(self) -> pa.Table:
        """Every readout's and baseline's score, a row each; ``to_pandas()``."""
        from poolwise.reports.scores import score_table  # noqa: PLC0415 - slow to import
        from poolwise.selection.score_table import score_rows  # noqa: PLC0415

        return score_table([row for s in self.selections for row in score_rows(s)])

    def fill(self, folder: Path, place: Path | None = None) -> Mapping[str, str]:
        """The report's files, and where a readout was chosen scores.parquet and readout.toml.

        ``place`` is where the folder will be found, by default where it is.
        """
        from poolwise.reports import PAGE, fill_report  # noqa: PLC0415 - slow to import
        from poolwise.reports.scores import write_scores  # noqa: PLC0415 - likewise

        names, answer = {}, None
        if self.selections:
            names = {"scores": "scores.parquet", "readout": "readout.toml"}
            write_scores(self.scores, folder / names["scores"])
            self.best.save(folder / names["readout"])
            answer = self.answer_with((place or folder) / names["readout"])
        fill_report(self.findings, folder, answer=answer)
        return {**names, "report": PAGE}

    @property
    def choice(self) -> str:
        """In a few words: the readout that was chosen, on what, and its score."""
        from poolwise.statistics.estimate import format_estimate  # noqa: PLC0415 - slow to import

        selection = self._leading
        if selection is None:
            return "no readout chosen"
        task = selection.task
        score = format_estimate(selection.chosen.score)
        return f"{selection.names[selection.chosen_index]}, {task.score} {score} on {task.name}"

    def __str__(self) -> str:
        from poolwise.api.answer_text import answer_lines  # noqa: PLC0415 - slow to import

        answer = self.answer
        lines = [] if answer is None else [*answer_lines(answer), ""]
        return "\n".join([*lines, super().__str__()])

    def __repr__(self) -> str:
        return f"<SweepResult: {self.choice}; {len(self.findings)} findings>"

    def _repr_html_(self) -> str:
        from poolwise.api.best_scores import leading_table  # noqa: PLC0415 - slow to import
        from poolwise.reports import summary_html  # noqa: PLC0415 - likewise

        tables = list(map(leading_table, self.selections))
        return summary_html(self.choice, tables, self.findings, answer=self.answer)


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
    selections: list[Selection] = []
    stability: list[list[str]] = []
    try:
        for finding, selection in answers:
            findings.append(finding)
            if selection is None:
                continue
            selections.append(selection)
            stability.append([])
            for part in choice_parts(
                selection,
                repeats=repeats,
                learning_curve=learning_curve,
                seed=seed,
                progress=progress,
            ):
                findings[-1] = with_part(findings[-1], part)
                stability[-1].append(part.sentence)
    except KeyboardInterrupt as interruption:
        for finding in findings:
            interruption.add_note(f"answered before the interruption: {finding.verdict}")
        raise
    if not several:
        selections = with_pass_times(selections, {encoder: lambda: encoder}, precision)
    return SweepResult(findings, selections, list(stability))
