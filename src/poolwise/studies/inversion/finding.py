"""The results of all decoders → a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolwise.encoders import Encoder
from poolwise.records import Finding
from poolwise.studies.inversion.charts import charts
from poolwise.studies.inversion.comparisons import compare_systems
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import InversionResults
from poolwise.studies.inversion.numbers import numbers
from poolwise.studies.inversion.verdict import evidence, notes, verdict


def build_finding(
    question: str,
    results: InversionResults,
    encoder: Encoder,
    seed: int,
    provenance: Mapping[str, Any],
) -> Finding:
    """The finding; its table shows tokens as text by ``encoder``'s tokenizer."""
    family = compare_systems(results)
    return Finding(
        study="recover",
        question=question,
        verdict=verdict(results, family),
        evidence=evidence(results, family),
        numbers=numbers(results, family),
        charts=charts(results, family, Detokenizer.of(encoder.tokenizer), seed),
        notes=[*notes(results, family), *results.corpus.notes],
        provenance=provenance,
    )
