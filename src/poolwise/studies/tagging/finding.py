"""The scores under one head → a finding."""

from __future__ import annotations

from poolwise.records import Finding
from poolwise.studies.tagging.charts import charts
from poolwise.studies.tagging.experiment import HeadResult
from poolwise.studies.tagging.numbers import numbers
from poolwise.studies.tagging.verdict import evidence, notes, verdict


def build_finding(question: str, result: HeadResult) -> Finding:
    """The finding of one head, without provenance."""
    return Finding(
        study="tagging",
        question=question,
        verdict=verdict(result),
        evidence=evidence(result),
        numbers=[*numbers(result)],
        charts=[*charts(result)],
        notes=[*notes(result)],
    )
