"""Findings → a folder: the page, the plain data, and each chart as a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from poolwise.plain import plain
from poolwise.records import Finding
from poolwise.reports.charts import draw
from poolwise.reports.page import Figure, render
from poolwise.reports.picture import to_png, to_svg
from poolwise.stores.atomic import refusals_told, written_whole

PICTURES = ("svg", "png")


def write_report(findings: Sequence[Finding], folder: Path, *, title: str | None = None) -> Path:
    """Write ``report.html``, ``findings.json`` and ``charts/NAME.{png,svg}``; return the page.

    The page opens offline and needs none of the other files. Each file appears under its name
    only when it is whole, the page last; then the pictures of a report that stood here before go,
    where this one has none of their name. Raises StoreError where the folder cannot be written,
    PoolwiseError for a chart of a kind that has no drawing.
    """
    figures = _figures(findings)
    page = Path(folder) / "report.html"
    stale = _pictures(page.parent)
    for path, content in _files(findings, figures, title or _title(findings)):
        with refusals_told(page):
            (page.parent / path).parent.mkdir(parents=True, exist_ok=True)
        with written_whole(page.parent / path) as file:
            file.write(content)
        stale.discard(page.parent / path)
    for picture in stale:
        with refusals_told(picture):
            picture.unlink(missing_ok=True)
    return page


def to_json(finding: Finding) -> dict[str, Any]:
    """The finding as plain data; NaN and infinity become null."""
    data: dict[str, Any] = plain(finding)
    return data


def _title(findings: Sequence[Finding]) -> str:
    models = dict.fromkeys(str(f.made["model"]) for f in findings if f.made.get("model"))
    return f"What {' and '.join(models)} shows" if models else "What was measured"


def _figures(findings: Sequence[Finding]) -> list[list[Figure]]:
    names = _names((f.study, chart.kind) for f in findings for chart in f.charts)
    return [[Figure(next(names), c, draw(c)) for c in f.charts] for f in findings]


def _names(charts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A file's name for each chart, given as its study and its kind."""
    used: dict[str, int] = {}
    for study, kind in charts:
        name = re.sub(r"[^a-z0-9]+", "-", f"{study}-{kind}".lower()).strip("-") or "chart"
        used[name] = used.get(name, 0) + 1
        yield name if used[name] == 1 else f"{name}-{used[name]}"


def _pictures(folder: Path) -> set[Path]:
    """The pictures of the report that lies in ``folder``, as its findings name them."""
    try:
        findings = json.loads((folder / "findings.json").read_text("utf-8"))
        charts = [(f["study"], chart["kind"]) for f in findings for chart in f["charts"]]
    except (OSError, ValueError, TypeError, KeyError):
        return set()  # there is none, or it is not ours
    return {
        folder / "charts" / f"{name}.{suffix}" for name in _names(charts) for suffix in PICTURES
    }


def _files(
    findings: Sequence[Finding], figures: list[list[Figure]], title: str
) -> Iterator[tuple[str, bytes]]:
    for figure in (figure for several in figures for figure in several if figure.drawing.panels):
        svg = to_svg(figure.drawing, figure.chart.title)
        yield f"charts/{figure.name}.svg", svg.encode()
        yield f"charts/{figure.name}.png", to_png(svg)
    data = json.dumps([to_json(f) for f in findings], ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 reaches us as lone surrogates; JSON can escape them.
    yield "findings.json", data.encode("utf-8", "backslashreplace")
    html = render(list(zip(findings, figures, strict=True)), title)
    yield "report.html", html.encode("utf-8", "replace")
