"""Findings → a folder: the page, the plain data, and each chart as a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from poolwise.files import os_errors_as
from poolwise.json_values import to_plain
from poolwise.records import Finding
from poolwise.reports.charts import draw
from poolwise.reports.folder import CHARTS, FINDINGS, PAGE, chart_names, report_folder
from poolwise.reports.page import Figure, render
from poolwise.reports.svg import to_png, to_svg

_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def write_report(
    findings: Sequence[Finding],
    folder: str | Path,
    *,
    title: str | None = None,
    force: bool = False,
) -> Path:
    """Write ``report.html``, ``findings.json`` and ``charts/NAME.{png,svg}``; return the page.

    The page opens offline and needs none of the other files. ``folder`` appears whole or not at
    all; ``force`` takes the place of a report's folder, which holds nothing else. Raises StoreError
    where it cannot be written, PoolwiseError for a chart of a kind that has no drawing.
    """
    with report_folder(Path(folder), force=force) as partial:
        fill_report(findings, partial, title=title)
    return Path(folder) / PAGE


def fill_report(findings: Sequence[Finding], folder: Path, *, title: str | None = None) -> None:
    """Write the files of a report into ``folder``, which nobody sees yet (``report_folder``)."""
    with os_errors_as(folder):
        for name, content in _files(findings, title or _title(findings)):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)


def to_json(finding: Finding) -> dict[str, Any]:
    """The finding as plain data; NaN and infinity become null."""
    data: dict[str, Any] = to_plain(finding)
    return data


def _seen(value: Any) -> Any:
    """The same data, without characters that no picture and no page can hold."""
    if isinstance(value, str):
        whole = value.encode("utf-8", "backslashreplace").decode()
        return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), whole)
    if isinstance(value, Mapping):
        return {key: _seen(one) for key, one in value.items()}
    if type(value) in {list, tuple}:
        return type(value)(map(_seen, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _seen(getattr(value, f.name)) for f in fields(value)})
    return value


def _title(findings: Sequence[Finding]) -> str:
    models = dict.fromkeys(
        str(f.provenance["model"]) for f in findings if f.provenance.get("model")
    )
    return f"What {' and '.join(models)} shows" if models else "What was measured"


def _figures(findings: Sequence[Finding]) -> list[list[Figure]]:
    names = chart_names((f.study, chart.kind) for f in findings for chart in f.charts)
    return [[Figure(next(names), c, draw(c)) for c in f.charts] for f in findings]


def _files(findings: Sequence[Finding], title: str) -> Iterator[tuple[str, bytes]]:
    data = json.dumps([to_json(f) for f in findings], ensure_ascii=False, allow_nan=False)
    findings = [_seen(finding) for finding in findings]
    figures = _figures(findings)
    for figure in (figure for several in figures for figure in several if figure.drawing.panels):
        svg = to_svg(figure.drawing, figure.chart.title)
        yield f"{CHARTS}/{figure.name}.svg", svg.encode("utf-8", "backslashreplace")
        yield f"{CHARTS}/{figure.name}.png", to_png(svg)
    yield FINDINGS, data.encode("utf-8", "backslashreplace")
    html = render(list(zip(findings, figures, strict=True)), _seen(title))
    yield PAGE, html.encode("utf-8", "backslashreplace")
