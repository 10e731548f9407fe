"""Why this readout: what the sweep that chose it found, for the model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.untrusted_files import MEGABYTE, read_json
from poolwise.errors import EncoderError
from poolwise.transforms.fitted_readout import FittedReadout

LARGEST = 64 * MEGABYTE
"""Bytes of a findings.json."""

_MADE = ("data", "texts", "readouts", "seed", "precision", "date", "poolwise")
"""The facts of readout.toml that tell a reader what was measured."""


def evidence(chosen: FittedReadout, findings: Path | None, model_hash: str) -> list[str]:
    """Sentences: the verdict on this readout and its score, if ``findings`` (a sweep's
    findings.json) measured it on this model; then the facts of readout.toml."""
    lines = list(_verdicts(_read(findings), str(chosen.readout), model_hash))
    facts = [f"{key} {chosen.provenance[key]}" for key in _MADE if chosen.provenance.get(key)]
    return [*lines, f"Chosen with: {'; '.join(facts)}."] if facts else lines


def _read(findings: Path | None) -> list[Any]:
    """What cannot be read is no evidence, and no reason not to export."""
    if findings is None:
        return []
    try:
        found = read_json(findings, LARGEST)
    except EncoderError:
        return []
    return found if isinstance(found, list) else []


def _verdicts(findings: list[Any], spec: str, model_hash: str) -> Iterator[str]:
    """Of each finding whose chosen readout this is."""
    for finding in map(_object, findings):
        made, numbers = _object(finding.get("made")), finding.get("numbers")
        for number in map(_object, numbers if isinstance(numbers, list) else ()):
            where = _object(number.get("where"))
            chosen = str(number.get("name")).endswith(" of the chosen readout")
            ours = (where.get("readout"), made.get("model_hash")) == (spec, model_hash)
            if chosen and ours and _is_number(number.get("value")):
                yield f"{finding.get('verdict')}"
                yield f"{_score(number)}, {where.get('part')} rows of {made.get('data')}."


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300


def _score(number: Mapping[str, Any]) -> str:
    name = str(number["name"]).removesuffix(" of the chosen readout")
    said = f"{name[:1].upper()}{name[1:]} {float(number['value']):.3f}"
    if not (_is_number(number.get("low")) and _is_number(number.get("high"))):
        return said
    return f"{said} [{float(number['low']):.3f}, {float(number['high']):.3f}] (95 %)"
