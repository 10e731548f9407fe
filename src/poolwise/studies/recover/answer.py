"""A contest, read aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolwise.encoders import Encoder
from poolwise.records import Finding
from poolwise.studies.recover.comparing import compared
from poolwise.studies.recover.contest import Contest
from poolwise.studies.recover.numbers import numbers
from poolwise.studies.recover.pictures import charts
from poolwise.studies.recover.verdict import notes, verdict
from poolwise.studies.recover.writing import Writer


def answer(
    question: str, contest: Contest, encoder: Encoder, seed: int, made: Mapping[str, Any]
) -> Finding:
    """The finding; ``encoder`` writes tokens as text."""
    family = compared(contest)
    return Finding(
        study="recover",
        question=question,
        verdict=verdict(contest, family),
        numbers=numbers(contest, family),
        charts=charts(contest, family, Writer.of(encoder.tokenizer), seed),
        notes=[*notes(contest, family), *contest.corpus.notes],
        made=made,
    )
