"""Why this readout: what the sweep that chose it found, for the model card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poolwise.transforms.chosen import Chosen

_MADE = ("data", "texts", "readouts", "seed", "precision", "date", "poolwise")
"""The facts of readout.toml that tell a reader what was measured."""


def evidence(chosen: Chosen, findings: Path | None, model_hash: str) -> list[str]:
    """Sentences: the verdict on this readout and its score, if ``findings`` (a sweep's
    findings.json) measured it on this model; then the facts of readout.toml."""
    lines = list(_verdicts(_read(findings), str(chosen.readout), model_hash))
    facts = [f"{key} {chosen.made[key]}" for key in _MADE if chosen.made.get(key)]
    return [*lines, f"Chosen with: {'; '.join(facts)}."] if facts else lines


def _read(findings: Path | None) -> list[Any]:
    """What cannot be read is no evidence, and no reason not to export."""
    if findings is None or not findings.is_file():
        return []
    try:
        found = json.loads(findings.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _verdicts(findings: list[Any], spec: str, model_hash: str) -> Iterator[str]:
    """Of each finding whose chosen readout this is."""
    for finding in findings:
        if not isinstance(finding, Mapping):
            continue
        made = finding.get("made") or {}
        for number in finding.get("numbers") or []:
            where = number.get("where") or {}
            chosen = str(number.get("name")).endswith(" of the chosen readout")
            ours = (where.get("readout"), made.get("model_hash")) == (spec, model_hash)
            if chosen and ours and number.get("value") is not None:
                yield f"{finding.get('verdict')}"
                yield f"{_score(number)}, {where.get('part')} rows of {made.get('data')}."


def _score(number: Mapping[str, Any]) -> str:
    name = str(number["name"]).removesuffix(" of the chosen readout")
    said = f"{name[:1].upper()}{name[1:]} {number['value']:.3f}"
    if number.get("low") is None or number.get("high") is None:
        return said
    return f"{said} [{number['low']:.3f}, {number['high']:.3f}] (95 %)"
