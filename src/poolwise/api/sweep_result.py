"""The result of a sweep: findings, choices, and the one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.results import FindingsView
from poolwise.errors import StudyError
from poolwise.records import Answer, Finding

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from poolwise.selection.selection import Selection
    from poolwise.transforms.fitted_readout import FittedReadout


@dataclass(frozen=True, slots=True)
class SweepChoice:
    """A selection with the ``provenance`` of its finding; ``stability`` is what repeats and a
    learning curve say of it, a sentence each."""

    selection: Selection
    provenance: Mapping[str, Any]
    stability: Sequence[str] = ()


@dataclass(frozen=True)
class SweepResult(FindingsView):
    """The findings of a sweep, and the selections among readouts that they tell of.

    ``print`` gives the answer and the verdicts; a notebook shows them with their charts.
    """

    findings: list[Finding] = field(default_factory=list)
    choices: list[SweepChoice] = field(default_factory=list)

    @property
    def selections(self) -> list[Selection]:
        """The selections among readouts, in the order of their questions."""
        return [choice.selection for choice in self.choices]

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
        stability = [] if leading is None else leading.stability
        return replace(answer, notes=[*stability, *answer.notes])

    @cached_property
    def best(self) -> FittedReadout:
        """The readout of the answer, its steps fitted on all texts but those of test.

        ``embed``, ``export`` and ``Embedder`` take it as they take a readout's text; ``save``
        writes it. Raises StudyError where no question chose a readout.
        """
        from poolwise.selection.best import best_readout  # noqa: PLC0415 - slow to import

        leading = self._leading
        if leading is None:
            raise StudyError(
                "no question of this sweep chose a readout; give pairs, labels or queries"
            )
        return best_readout(leading.selection, leading.provenance)

    @property
    def _leading(self) -> SweepChoice | None:
        from poolwise.studies.answer import leading_selection  # noqa: PLC0415 - slow to import

        if not self.choices:
            return None
        selection = leading_selection(self.selections)
        return next(choice for choice in self.choices if choice.selection is selection)

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

        leading = self._leading
        if leading is None:
            return "no readout chosen"
        selection = leading.selection
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
