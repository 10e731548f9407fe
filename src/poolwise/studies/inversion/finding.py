"""A contest, read aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolwise.encoders import Encoder
from poolwise.records import Finding
from poolwise.studies.inversion.charts import charts
from poolwise.studies.inversion.comparisons import compared
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import DecoderScores
from poolwise.studies.inversion.numbers import numbers
from poolwise.studies.inversion.verdict import notes, verdict


def answer(
    question: str, contest: DecoderScores, encoder: Encoder, seed: int, made: Mapping[str, Any]
) -> Finding:
    """The finding; ``encoder`` writes tokens as text."""
    family = compared(contest)
    return Finding(
        study="recover",
        question=question,
        verdict=verdict(contest, family),
        numbers=numbers(contest, family),
        charts=charts(contest, family, Detokenizer.of(encoder.tokenizer), seed),
        notes=[*notes(contest, family), *contest.corpus.notes],
        provenance=made,
    )
