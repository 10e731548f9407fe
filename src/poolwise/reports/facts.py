"""What a page says once: the facts of its head, and what several findings share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolwise.json_values import to_plain
from poolwise.records import Finding
from poolwise.reports.number_format import NONE


@dataclass(frozen=True, slots=True)
class SharedNote:
    """A note of several findings; ``of`` are their indices, empty where all have it."""

    text: str
    of: Sequence[int]


def head_facts(findings: Sequence[Finding]) -> dict[str, str]:
    """Model, data, rows and date of all findings, each in one line."""
    facts = {
        "model": _distinct(findings, "model"),
        "data": _distinct(findings, "data"),
        "rows": list(dict.fromkeys(text for f in findings if (text := _rows(f.provenance)))),
        "date": list(dict.fromkeys(date[:10] for date in _distinct(findings, "date"))),
    }
    return {name: ", ".join(texts) for name, texts in facts.items() if texts}


def split_facts(findings: Sequence[Finding]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The provenance that all findings share, and what each has beside it, without the facts that
    the head of the page says."""
    in_head = {"date", "sampled"}
    in_head |= {key for key in ("model", "data") if len(_distinct(findings, key)) == 1}
    rows = {_rows(finding.provenance) for finding in findings}
    in_head |= {"texts"} if len(rows) == 1 and rows != {""} else set()
    all_facts = [
        {key: fact for key, fact in finding.provenance.items() if key not in in_head}
        for finding in findings
    ]
    shared = {
        key: fact
        for key, fact in (all_facts[0] if all_facts else {}).items()
        if all(key in other and to_plain(other[key]) == to_plain(fact) for other in all_facts)
    }
    own = [{key: fact for key, fact in facts.items() if key not in shared} for facts in all_facts]
    return shared, own


def split_notes(findings: Sequence[Finding]) -> tuple[list[SharedNote], list[list[str]]]:
    """The notes that several findings have, and those that each has alone."""
    having: dict[str, list[int]] = {}
    for i, finding in enumerate(findings):
        for note in dict.fromkeys(finding.notes):
            having.setdefault(note, []).append(i)
    shared = [
        SharedNote(note, () if len(of) == len(findings) else of)
        for note, of in having.items()
        if len(of) > 1
    ]
    own = [
        [note for note in dict.fromkeys(finding.notes) if len(having[note]) == 1]
        for finding in findings
    ]
    return shared, own


def fact(value: Any) -> str:
    """A value of the provenance in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {fact(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(fact, value))
    return NONE if value is None else str(value)


def _distinct(findings: Sequence[Finding], key: str) -> list[str]:
    values = (finding.provenance.get(key) for finding in findings)
    return list(dict.fromkeys(str(value) for value in values if value))


def _rows(facts: Mapping[str, Any]) -> str:
    """``1,500 of 10,003 rows`` where they were sampled, else how many texts there are."""
    samples = [
        f"{sample['rows']:,} of {sample['of']:,} {sample['unit']}"
        for sample in facts.get("sampled", ())
    ]
    if samples or not isinstance(facts.get("texts"), int):
        return " and ".join(samples)
    return f"{facts['texts']:,} texts"
