"""A table of text is a table of the page: no drawing, no picture, and nothing in it is markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from poolwise.charts import LayerCurves, TextTable
from poolwise.records import Finding
from poolwise.reports.rendering import render_chart
from poolwise.reports.report import write_report


class Cells(HTMLParser):
    """The rows of the tables in figures: each cell's text, and what of it is marked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.marked: list[str] = []
        self.classes: list[str | None] = []
        self._inside = self._mark = False
        self.feed(html[html.index('class="scroll rows"') : html.index("</figure>")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self.classes.append(dict(attrs).get("class"))
        self._inside = tag in {"td", "th", "mark"}
        self._mark = tag == "mark"

    def handle_data(self, data: str) -> None:
        if self._mark:
            self.marked.append(data)
        if self.rows and self.rows[-1] and (self._inside or data.strip()):
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._mark = False


@pytest.fixture
def table_chart(hostile: str) -> TextTable:
    rows = [
        [np.float64(0.875), "the cat sat", [("the cat", True), (" ran", False)]],
        [0.25, hostile, []],
        [None, "a", [(hostile, True)]],
    ]
    return TextTable("What came back", ["F1", "sentence", hostile], rows)


def test_a_table_stands_on_the_page(table_chart: TextTable, hostile: str, tmp_path: Path) -> None:
    path = write_report([Finding("a", "?", "!", charts=[table_chart])], tmp_path)
    cells = Cells(path.read_text(encoding="utf-8"))
    assert cells.rows == [
        ["F1", "sentence", hostile],
        ["0.875", "the cat sat", "the cat ran"],
        ["0.250", hostile, ""],
        ["–", "a", hostile],
    ]
    assert cells.marked == ["the cat", hostile]
    assert cells.classes == ["value", None, None] * 4


def test_it_has_no_picture_and_is_plain_data(
    table_chart: TextTable, layers_chart: LayerCurves, tmp_path: Path
) -> None:
    write_report([Finding("a", "?", "!", charts=[table_chart, layers_chart])], tmp_path)
    pictures = sorted(path.name for path in (tmp_path / "charts").iterdir())
    assert pictures == ["a-by-layer.png", "a-by-layer.svg"]
    (data,) = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert data["charts"][0]["data"]["rows"][0] == [
        0.875,
        "the cat sat",
        [["the cat", True], [" ran", False]],
    ]


def test_columns_of_numbers_are_set_to_the_right_and_rows_are_whole(table_chart: TextTable) -> None:
    rendered = render_chart(table_chart)
    assert rendered.panels == []
    assert rendered.table is not None
    assert list(rendered.table.numeric) == [True, False, False]
    with pytest.raises(ValueError, match="shorter"):
        TextTable("short", ["F1", "sentence"], [[0.5, "a"], [0.5]])
    empty = render_chart(TextTable("none", ["F1"], []))
    assert empty.table is not None
    assert list(empty.table.numeric) == [False]
