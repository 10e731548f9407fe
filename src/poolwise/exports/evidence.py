"""Evidence for a readout, for the model card: a sweep's verdict and score, and its provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.untrusted_files import MEGABYTE, read_json
from poolwise.errors import EncoderError
from poolwise.transforms.fitted_readout import FittedReadout

LARGEST = 64 * MEGABYTE
"""Bytes of a findings.json."""

_FACTS = ("data", "texts", "readouts", "seed", "precision", "date", "poolwise")
"""The facts of readout.toml that say what was measured."""


def evidence(fitted: FittedReadout, findings: Path | None, model_hash: str) -> list[str]:
    """Sentences: the verdict on this readout and its score, if ``findings`` (a sweep's
    findings.json) measured it on this model; then the facts of readout.toml."""
    lines = list(_verdicts(_read(findings), str(fitted.readout), model_hash))
    facts = [f"{key} {fitted.provenance[key]}" for key in _FACTS if fitted.provenance.get(key)]
    return [*lines, f"Chosen with: {'; '.join(facts)}."] if facts else lines


def _read(findings: Path | None) -> list[Any]:
    """The findings of the file; none where it cannot be read, which is no reason not to export."""
    if findings is None:
        return []
    try:
        document = read_json(findings, LARGEST)
    except EncoderError:
        return []
    return document if isinstance(document, list) else []


def _verdicts(findings: list[Any], spec: str, model_hash: str) -> Iterator[str]:
    """Of each finding whose chosen readout this is."""
    for finding in map(_object, findings):
        provenance, numbers = _object(finding.get("made")), finding.get("numbers")
        for number in map(_object, numbers if isinstance(numbers, list) else ()):
            place = _object(number.get("where"))
            is_chosen = str(number.get("name")).endswith(" of the chosen readout")
            measured = (place.get("readout"), provenance.get("model_hash"))
            if is_chosen and measured == (spec, model_hash) and _is_number(number.get("value")):
                yield f"{finding.get('verdict')}"
                yield f"{_score(number)}, {place.get('part')} rows of {provenance.get('data')}."


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300


def _score(number: Mapping[str, Any]) -> str:
    name = str(number["name"]).removesuffix(" of the chosen readout")
    score = f"{name[:1].upper()}{name[1:]} {float(number['value']):.3f}"
    if not (_is_number(number.get("low")) and _is_number(number.get("high"))):
        return score
    return f"{score} [{float(number['low']):.3f}, {float(number['high']):.3f}] (95 %)"
