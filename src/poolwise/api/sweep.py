"""poolwise.sweep: which readout, measured on one's own data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import as_datasets, as_model, read_options
from poolwise.api.results import FindingsView
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Finding, Precision

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from poolwise.selection.selection import Selection
    from poolwise.transforms.fitted_readout import FittedReadout


@dataclass(frozen=True)
class SweepResult(FindingsView):
    """The findings of a sweep, and the selections among readouts that they tell of.

    ``print`` gives the verdicts; a notebook shows them with their charts.
    """

    findings: list[Finding] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)

    @cached_property
    def best(self) -> FittedReadout:
        """The readout that leads the answer, its steps fitted on all texts but those of test.

        ``embed``, ``export`` and ``Embedder`` take it as they take a readout's text; ``save``
        writes it. Raises StudyError where no question chose a readout.
        """
        from poolwise.selection.best import best_readout  # noqa: PLC0415 - slow to import

        if not self.selections:
            raise StudyError(
                "no question of this sweep chose a readout; give pairs or labels to choose on"
            )
        selection = self.selections[0]
        finding = next(f for f in self.findings if f.provenance.get("data") == selection.task.name)
        return best_readout(selection, finding.provenance)

    @property
    def scores(self) -> pa.Table:
        """Every readout's and baseline's score, a row each; ``to_pandas()``."""
        from poolwise.reports.scores import score_table  # noqa: PLC0415 - slow to import
        from poolwise.selection.score_table import score_rows  # noqa: PLC0415

        return score_table([row for s in self.selections for row in score_rows(s)])

    def fill(self, folder: Path) -> Mapping[str, str]:
        """The report's files, and where a readout was chosen scores.parquet and readout.toml."""
        from poolwise.reports.scores import write_scores  # noqa: PLC0415 - slow to import

        names = {}
        if self.selections:
            names = {"scores": "scores.parquet", "readout": "readout.toml"}
            write_scores(self.scores, folder / names["scores"])
            self.best.save(folder / names["readout"])
        return {**names, **super().fill(folder)}

    @property
    def choice(self) -> str:
        """In a few words: the readout that was chosen, on what, and its score on test."""
        from poolwise.statistics.estimate import format_estimate  # noqa: PLC0415 - slow to import

        if not self.selections:
            return "no readout chosen"
        selection = self.selections[0]
        i, task = selection.chosen_index, selection.task
        score = format_estimate(selection.chosen.score)
        return f"{selection.names[i]}, {task.score} {score} on {task.name}"

    def __repr__(self) -> str:
        return f"<SweepResult: {self.choice}; {len(self.findings)} findings>"

    def _repr_html_(self) -> str:
        from poolwise.api.best_scores import best_scores  # noqa: PLC0415 - slow to import
        from poolwise.reports import summary_html  # noqa: PLC0415 - likewise

        return summary_html(self.choice, list(map(best_scores, self.selections)), self.findings)


def sweep(
    model: Model | str | Path,
    *,
    labels: object = None,
    pairs: object = None,
    tags: object = None,
    texts: object = None,
    grid: str = "default",
    seed: int = 0,
    precision: Precision = "exact",
    prompt: str | None = None,
    prompt_name: str | None = None,
    progress: bool = False,
    **reading: Any,
) -> SweepResult:
    """Measure every layer, pool and step of ``model`` on this data, in one pass.

    Every row is scored by what was fitted without it; the score of the choice is of rows that it
    was not made on. ``model`` is what ``load`` gives, or takes. ``labels``, ``pairs``, ``tags``
    and ``texts`` are paths, frames, ``datasets.Dataset``, Arrow tables or lists; a list of them is
    several sets. ``grid`` is
    ``default``, ``full``, or readouts between blanks. ``reading`` are fields of ``ReadOptions``:
    ``limit``, ``dev``, ``test``, ``columns``, ``text_column``, ``label_column``, ….

    An interruption (Ctrl-C) carries as notes what was answered before. Raises StudyError where the
    data cannot carry an answer, TextError where they cannot be read.
    """
    from poolwise.studies.sweep import sweep as sweep_studies  # noqa: PLC0415 - slow to import

    data = {"labels": labels, "pairs": pairs, "tags": tags, "texts": texts}
    if all(value is None for value in data.values()):
        raise StudyError("nothing to measure on: give pairs, labels, tags or texts")
    datasets = as_datasets(**data, options=read_options(seed, reading))
    result = SweepResult()
    try:
        for finding, selection in sweep_studies(
            as_model(model, prompt, prompt_name),
            datasets,
            grid=grid,
            seed=seed,
            precision=precision,
            progress=progress,
        ):
            result.findings.append(finding)
            if selection is not None and selection not in result.selections:
                result.selections.append(selection)
    except KeyboardInterrupt as interruption:
        for finding in result.findings:
            interruption.add_note(f"answered before the interruption: {finding.verdict}")
        raise
    return result
