"""The study: tokens compared, then the same texts rearranged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poolwise.encoders.arrangement import ARRANGEMENTS
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.model import Model
from poolwise.records import Finding, Number
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.data_tasks import task_of
from poolwise.selection.vector_cache import VectorCache
from poolwise.studies.first import charts, verdict
from poolwise.studies.first.comparisons import Candidates
from poolwise.studies.first.rearrangements import GROUPS, score_rearrangements
from poolwise.studies.first.tokens import (
    ALONE,
    FIRST,
    MEAN,
    OTHERS,
    TokenPositions,
    fixed,
    layers,
    reach,
    token_vectors,
)
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs

if TYPE_CHECKING:
    from poolwise.model import Model


class First:
    """[CLS] against other single tokens and the mean; then against itself in other places.

    At the last layer, and each at its best. ``rearrange`` adds a pass for each of ``ARRANGEMENTS``:
    [CLS] and the middle token exchanged, [CLS] moved to the middle, removed, repeated.
    """

    name = "first"
    question = "Why the first token: would any other do?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(
        self,
        data: TextPairs | LabelledTexts,
        seed: int = 0,
        score: str | None = None,
        *,
        rearrange: bool = True,
    ) -> None:
        self.data = [data]
        self.task = task_of(data, seed, score=score, probe="discriminant")
        self._seed = seed
        self._rearrange = rearrange

    def request(self, model: Model) -> VectorRequest:
        """Raises EncoderError, ahead of any pass, where there is no [CLS] to rearrange."""
        if self._rearrange:
            for name in ARRANGEMENTS:
                rearrange(model, name)
        readouts = [*fixed(model), *reach(model)]
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        model, cache, progress = context.model, context.vectors, context.progress
        token_positions = TokenPositions(cache, self.task.texts, self._seed)
        selection = self._score(model, cache, token_positions, progress)
        candidates = Candidates(selection)
        family = candidates.compare([(name, FIRST) for name in (*OTHERS, MEAN, ALONE)])
        finding = Finding(
            study=self.name,
            question=self.question,
            verdict=verdict.of_tokens(family),
            evidence=verdict.evidence_of_tokens(candidates, family),
            numbers=[*family.numbers(), *_scores(selection)],
            charts=[
                charts.by_token(candidates, (FIRST, *OTHERS, MEAN)),
                charts.of_tokens(family, self.task.score),
            ],
            notes=[
                *self.task.notes,
                *token_positions.notes(),
                *verdict.notes_on_tokens(family),
            ],
            provenance={"data": self.task.name, "layers": list(layers(model))},
        )
        yield self._with_places(finding, model, selection, progress) if self._rearrange else finding

    def _score(
        self, model: Model, cache: VectorCache, token_positions: TokenPositions, progress: bool
    ) -> Selection:
        middle_and_random = {
            f"{name}@{k}": token_vectors(cache, positions, k)
            for k in layers(model)
            for name, positions in token_positions.positions.items()
        }
        return score_readouts(
            model, self.task, fixed(model), cache, middle_and_random, progress=progress
        )

    def _with_places(
        self, finding: Finding, model: Model, selection: Selection, progress: bool
    ) -> Finding:
        passed = score_rearrangements(model, selection, self._seed, progress=progress)
        joined = passed.joining(selection)
        family = Candidates(joined).compare(
            [pair for rivals in GROUPS.values() for pair in rivals.values()]
        )
        last = layers(model)[-1]
        return replace(
            finding,
            evidence=f"{finding.evidence}; {verdict.of_places(family)}",
            numbers=[
                *finding.numbers,
                *family.numbers(),
                *passed.numbers(last),
                *_scores(joined, start=len(selection.names)),
            ],
            charts=[*finding.charts, charts.of_places(family, self.task.score)],
            notes=[*finding.notes, *verdict.notes_on_places(family, passed, last)],
            provenance={**finding.provenance, "arrangements": list(ARRANGEMENTS)},
        )


def _scores(selection: Selection, start: int = 0) -> Iterator[Number]:
    """Of all contenders from ``start`` on."""
    for name, score in list(zip(selection.names, selection.scores, strict=True))[start:]:
        control = name == ALONE
        yield Number.of(selection.task.score, score, {"readout": name}, control=control)
