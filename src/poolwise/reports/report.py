"""Findings → a folder: the page, answer and findings as JSON, and each chart as an image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poolwise.files import os_errors_as
from poolwise.json_values import to_plain
from poolwise.records import Answer, Finding
from poolwise.reports.folder import ANSWER, CHARTS, FINDINGS, PAGE, chart_names, report_folder
from poolwise.reports.page import Figure, render_page
from poolwise.reports.printable import printable
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_png, to_svg


def write_report(
    findings: Sequence[Finding],
    folder: str | Path,
    *,
    answer: Answer | None = None,
    title: str | None = None,
    force: bool = False,
) -> Path:
    """Write ``report.html``, ``findings.json`` and ``charts/NAME.{png,svg}``; return the page.

    The page opens with ``answer``, which is also ``answer.json``; it needs no network and none of
    the other files. ``folder`` appears whole or not at all; ``force`` takes the place of a report's
    folder, which holds nothing else. Raises StoreError where it cannot be written, PoolwiseError
    for a chart of a kind that has no renderer.
    """
    with report_folder(Path(folder), force=force) as partial:
        fill_report(findings, partial, answer=answer, title=title)
    return Path(folder) / PAGE


def fill_report(
    findings: Sequence[Finding],
    folder: Path,
    *,
    answer: Answer | None = None,
    title: str | None = None,
) -> None:
    """Write the files of a report into ``folder``, as ``report_folder`` yields it."""
    with os_errors_as(folder):
        for name, content in _files(findings, answer, title or _title(findings)):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)


def to_json(finding: Finding) -> dict[str, Any]:
    """The finding as plain data; NaN and infinity become None."""
    charts = [chart.to_json() for chart in finding.charts]
    data: dict[str, Any] = to_plain(replace(finding, charts=())) | {"charts": to_plain(charts)}
    return data


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """The answer as plain data; ``charts`` only where it has some."""
    data: dict[str, Any] = to_plain(replace(answer, charts=()))
    del data["charts"]
    charts = to_plain([chart.to_json() for chart in answer.charts])
    return {**data, "charts": charts} if charts else data


def _title(findings: Sequence[Finding]) -> str:
    models = dict.fromkeys(
        str(f.provenance["model"]) for f in findings if f.provenance.get("model")
    )
    several = any("models" in finding.provenance for finding in findings)
    verb = "show" if several or len(models) > 1 else "shows"
    return f"What {' and '.join(models)} {verb}" if models else "What was measured"


def _figures(findings: Sequence[Finding]) -> list[list[Figure]]:
    names = chart_names((f.study, chart.kind) for f in findings for chart in f.charts)
    return [[Figure(next(names), c, render_chart(c)) for c in f.charts] for f in findings]


def _files(
    findings: Sequence[Finding], answer: Answer | None, title: str
) -> Iterator[tuple[str, bytes]]:
    data: dict[str, Any] = {FINDINGS: [to_json(f) for f in findings]}
    if answer is not None:
        data[ANSWER] = answer_to_json(answer)
    findings, answer = [printable(finding) for finding in findings], printable(answer)
    figures = _figures(findings)
    for figure in (figure for group in figures for figure in group if figure.rendered.panels):
        svg = to_svg(figure.rendered, figure.chart.title)
        yield f"{CHARTS}/{figure.name}.svg", _bytes(svg)
        yield f"{CHARTS}/{figure.name}.png", to_png(svg)
    for name, value in data.items():
        yield name, _bytes(json.dumps(value, ensure_ascii=False, allow_nan=False))
    sections = list(zip(findings, figures, strict=True))
    yield PAGE, _bytes(render_page(sections, printable(title), answer))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
