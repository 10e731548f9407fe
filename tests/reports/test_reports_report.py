from __future__ import annotations

import dataclasses
import errno
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from poolwise.charts import ForestPlot, HeatMap, LayerCurves, Ranking
from poolwise.errors import StoreError
from poolwise.files import folder as exchanging
from poolwise.records import Answer, Finding, Number
from poolwise.reports.facts import head_facts
from poolwise.reports.key_numbers import key_tables
from poolwise.reports.page import Figure, halves
from poolwise.reports.rendered_chart import PAGE_WIDTH, Panel, RenderedChart
from poolwise.reports.report import to_json, write_report


class Page(HTMLParser):
    """The elements of a page, their attributes, and the text of scripts and of the rest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts.append((self.tags[-1][1].get("type"), data))
        else:
            self.data.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    @property
    def text(self) -> str:
        return "".join(self.data)

    def specs(self) -> list[dict[str, object]]:
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]


@pytest.fixture(scope="module")
def folder(finding: Finding, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report([finding], tmp_path_factory.mktemp("made") / "new" / "report").parent


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_folder_holds_page_data_and_pictures(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    names = ("length-by-layer", "length-by-layer-2", "length-density")
    pictures = {f"charts/{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert files == {"report.html", "findings.json"} | pictures
    assert (folder / "charts/length-density.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "charts/length-density.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_data_is_valid_json_without_nan(folder: Path, finding: Finding) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (folder / "findings.json").read_text(encoding="utf-8")
    (data,) = json.loads(text, parse_constant=refuse)
    assert data["question"] == finding.question
    assert len(data["numbers"]) == len(finding.numbers)


def test_a_finding_becomes_json(finding: Finding) -> None:
    data = json.loads(json.dumps(to_json(finding), allow_nan=False))
    assert data["verdict"] == finding.verdict
    assert data["numbers"][0]["where"] == {"readout": "cls@6", "layer": 6, "length": "tokens"}
    assert data["numbers"][1]["value"] is None
    assert data["made"]["n"] is None
    assert len(data["charts"][0]["data"]["x0"]) == len(finding.charts[0].cells)


def test_the_page_asks_the_network_for_nothing(page: Page, html: str) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "srcset", "action", "background"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policies == [
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'"
    ]
    assert '"url"' not in json.dumps(page.specs())


def test_the_drawing_code_is_there_once_and_the_page_is_small(page: Page, html: str) -> None:
    programs = [text for kind, text in page.scripts if kind == "module"]
    assert ["window.vegaEmbed=" in text for text in programs] == [True, False]
    assert len(html.encode()) < 1_200_000


def test_whatever_a_finding_says_stays_text(page: Page, finding: Finding, hostile: str) -> None:
    tags = [tag for tag, _ in page.tags]
    assert "b" not in tags
    assert tags.count("script") == len(finding.charts) + 2
    for text in (finding.question, finding.verdict, *finding.notes, f"Caption {hostile}"):
        assert text in page.text


def test_charts_carry_their_data_and_fit_the_page(page: Page, hostile: str) -> None:
    density, spiced, _ = page.specs()
    assert density["width"] == spiced["width"] == "container"
    assert str(spiced["description"]).startswith(hostile)
    assert (
        "meta",
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    ) in page.tags


def test_numbers_are_readable_and_controls_apart(html: str, page: Page) -> None:
    assert "0.0312" in page.text
    assert "[0.0270, 0.0360]" in page.text
    assert "All 3 numbers" in page.text
    assert "cls@6 · layer 6 · tokens" in page.text
    main = html[: html.index("</main>")]
    assert main.count('class="key"') == 2
    assert main.index(">Measured<") < main.index("0.0312") < main.index(">Null controls<")
    assert main.count("<em>null control</em>") == 1
    assert "nan<" not in html.lower()


def test_provenance_is_shown(page: Page) -> None:
    assert "How this was made" in page.text
    assert "What tiny shows" in page.text


def test_several_findings_are_listed_first(finding: Finding, tmp_path: Path) -> None:
    bare = Finding("a", "First?", "Yes.")
    path = write_report(
        [bare, Finding("b", "Second?", "No.")], tmp_path, title="Two <i>questions</i>"
    )
    page = Page(path.read_text(encoding="utf-8"))
    assert "Two <i>questions</i>" in page.text
    contents = ["#questions", "#details"]
    assert [a["href"] for t, a in page.tags if t == "a"] == [*contents, "#q1", "#q2"]
    assert [a["id"] for t, a in page.tags if t == "details"] == ["q1", "q2"]
    assert not any("open" in a for t, a in page.tags if t == "details")
    assert "Key numbers" not in page.text


def test_no_finding_is_a_page_too(tmp_path: Path) -> None:
    assert "No question was asked." in write_report([], tmp_path).read_text(encoding="utf-8")
    assert json.loads((tmp_path / "findings.json").read_text(encoding="utf-8")) == []


def test_a_file_name_that_is_not_utf8_can_be_reported(tmp_path: Path) -> None:
    odd = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    path = write_report([Finding("a", "?", "!", provenance={"texts": odd})], tmp_path)
    assert r"caf\udce9.txt" in path.read_text(encoding="utf-8")
    (data,) = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert data["made"]["texts"] == r"caf\udce9.txt"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"taken is a file; expected the name of a new folder"):
        write_report([Finding("a", "?", "!")], tmp_path / "taken")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "step",
    [(os, "fsync"), (Path, "write_bytes"), (exchanging, "exchange")],
    ids=["fsync", "write", "exchange"],
)
def test_a_full_disk_leaves_the_old_report_whole(
    step: tuple[object, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_report([Finding("a", "?", "The old verdict.")], tmp_path / "out")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*step, full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_report([Finding("a", "?", "The new verdict.")], tmp_path / "out", force=True)
    assert "The old verdict." in old.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(path.name for path in old.parent.iterdir()) == ["findings.json", "report.html"]


def test_a_report_takes_the_place_of_a_report_only_when_told(
    layers_chart: LayerCurves, forest_chart: ForestPlot, tmp_path: Path
) -> None:
    write_report([Finding("a", "?", "!", charts=[layers_chart, forest_chart])], tmp_path)
    short = [Finding("a", "?", "!", charts=[layers_chart])]
    with pytest.raises(StoreError, match=r"is not empty; choose another folder, or --force"):
        write_report(short, tmp_path)
    write_report(short, tmp_path, force=True)
    names = sorted(path.name for path in (tmp_path / "charts").iterdir())
    assert names == ["a-by-layer.png", "a-by-layer.svg"]


@pytest.mark.parametrize("name", ["mine.txt", "charts/mine.svg", "runs/1.json"])
def test_what_is_no_part_of_a_report_is_never_lost(
    layers_chart: LayerCurves, tmp_path: Path, name: str
) -> None:
    findings = [Finding("a", "?", "!", charts=[layers_chart])]
    write_report(findings, tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="which is no part of a report, and would be lost"):
        write_report(findings, tmp_path, force=True)
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("other", ["{", "[1]", '{"study": 1}', '[{"study": "a", "charts": [2]}]'])
def test_a_findings_file_that_is_not_ours_names_no_pictures(other: str, tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(other, encoding="utf-8")
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "a-heat.svg").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"charts/a-heat\.svg, which is no part of a report"):
        write_report([Finding("a", "?", "!")], tmp_path, force=True)
    assert (tmp_path / "charts" / "a-heat.svg").read_text(encoding="utf-8") == "mine"


def test_the_summary_gives_each_verdict_with_its_question(tmp_path: Path) -> None:
    findings = [Finding("a", "First?", "Yes, it is."), Finding("b", "Second?", "Hardly.")]
    page = write_report(findings, tmp_path).read_text(encoding="utf-8")
    summary = page[page.index('<section id="questions"') : page.index('<section id="details"')]
    assert summary.count("<a href=") == 2
    for text in ("First?", "Yes, it is.", "Second?", "Hardly."):
        assert text in summary
    assert page.count("Yes, it is.") == page.count("Hardly.") == 1


def test_what_findings_share_of_their_making_is_said_once(tmp_path: Path) -> None:
    shared = {"model": "tiny", "engine": "native", "sizes": np.array([1, 2])}
    note = "rows divided by seed 0"
    findings = [
        Finding("a", "?", "!", notes=["all", note], provenance={**shared, "texts": "one.txt"}),
        Finding("b", "?", "!", notes=["all", note], provenance={**shared, "texts": "two.txt"}),
        Finding("c", "?", "!", notes=["own", "all"], provenance={**shared, "texts": "six.txt"}),
    ]
    page = write_report(findings, tmp_path).read_text(encoding="utf-8")
    body = page[page.index("<main>") : page.index("</main>")]
    assert "tiny" not in body  # the head says it
    for text in ("native", "one.txt", "two.txt", note, "<li>all</li>", "<li>own</li>"):
        assert body.count(text) == 1
    assert body.count("How this was made") == 4
    assert body.index("own") < body.index('id="made"') < body.index(note) < body.index("native")
    assert body[body.index(note) :].count('<a href="#q') == 2


def test_the_head_says_model_data_rows_and_day(tmp_path: Path) -> None:
    sampled = [{"source": "a.csv", "rows": 1500, "of": 10003, "unit": "rows"}]
    made = {"model": "tiny", "data": "a.csv", "date": "2026-11-28T16:15:55+00:00", "texts": 1500}
    findings = [
        Finding("a", "?", "!", provenance={**made, "sampled": sampled}),
        Finding("b", "?", "!", provenance={**made, "data": "b.txt", "texts": 20}),
    ]
    assert head_facts(findings) == {
        "model": "tiny",
        "data": "a.csv, b.txt",
        "rows": "1,500 of 10,003 rows, 20 texts",
        "date": "2026-11-28",
    }
    page = write_report(findings, tmp_path).read_text(encoding="utf-8")
    head = page[page.index("<header>") : page.index("</header>")]
    assert "1,500 of 10,003 rows, 20 texts" in head
    assert "T16:15:55" not in page


ANSWER = Answer(
    "Use mean@6.",
    "0.85 against 0.81.",
    "384 dimensions.",
    "Quite sure.",
    "poolwise embed",
    ["Why."],
)


def test_the_page_opens_with_the_answer(tmp_path: Path, hostile: str) -> None:
    answer = dataclasses.replace(ANSWER, command=f"poolwise embed {hostile}")
    findings = [Finding("a", "First?", "Yes.", evidence="0.85 [0.84, 0.86]")]
    path = write_report(findings, tmp_path, answer=answer)
    page = Page(path.read_text(encoding="utf-8"))
    texts = [*dataclasses.astuple(answer)[:5], "First?", "Yes.", "Why.", "0.85 [0.84, 0.86]"]
    places = [page.text.index(text) for text in texts]
    assert places == sorted(places)
    assert [page.text.count(text) for text in texts if text != "First?"] == [1] * (len(texts) - 1)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert [tag for tag, _ in page.tags].count("details") == 1
    assert json.loads((tmp_path / "answer.json").read_text("utf-8"))["command"] == answer.command
    assert "b" not in [tag for tag, _ in page.tags]


def test_the_answer_is_replaced_with_its_report(tmp_path: Path) -> None:
    write_report([Finding("a", "?", "!")], tmp_path, answer=ANSWER)
    write_report([Finding("a", "?", "!")], tmp_path, force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["findings.json", "report.html"]


def test_key_numbers_are_apart_by_kind_and_none_is_in_a_chart(ranking_chart: Ranking) -> None:
    charted = Number("accuracy", 0.8213, 0.81, 0.83, {"readout": "mean@2"})
    numbers = [
        Number("of the chosen readout", 0.9, 0.8, 1.0, {"readout": "mean@2"}),
        Number("of mean@2", 0.9, 0.8, 1.0, {"readout": "mean@2"}),
        Number("majority", 0.1, control=True),
        Number("TF-IDF", 0.7, 0.6, 0.8, baseline=True),
        charted,
        Number("accuracy", 0.55, 0.5, 0.6, {"readout": "sep@3"}),
    ]
    tables = key_tables(Finding("a", "?", "!", numbers, charts=[ranking_chart]))
    names = {table.heading: [number.name for number in table.numbers] for table in tables}
    assert names == {
        "Measured": ["of the chosen readout"],
        "Baselines": ["TF-IDF"],
        "Null controls": ["majority"],
    }
    alone = key_tables(Finding("a", "?", "!", numbers))
    assert charted in alone[0].numbers


def test_every_kind_of_chart_stands_on_the_page(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    names = ("cost_front", "layers", "forest", "heat", "multiples", "ranking", "density")
    charts = [request.getfixturevalue(f"{name}_chart") for name in names]
    page = Page(
        write_report([Finding("a", "?", "!", charts=charts)], tmp_path).read_text(encoding="utf-8")
    )
    assert len(page.specs()) == 9  # two panels of heat, two of multiples
    for text in ("whiten(2)", "cannot be told from it", "untrained encoder", "baseline"):
        assert text in page.text
    titles = [chart.title for chart in charts]
    assert [page.text.index(title) for title in titles] == sorted(map(page.text.index, titles))


def _figure(rendered: RenderedChart) -> Figure:
    chart = HeatMap("title", [], x_label="", y_label="", value_label="")
    return Figure("name", chart, rendered)


def test_small_neighbours_share_a_row() -> None:
    panel = Panel("", {})
    small = _figure(RenderedChart([panel]))
    wide = _figure(RenderedChart([panel], min_width=PAGE_WIDTH))
    several = _figure(RenderedChart([panel, panel]))
    assert halves([small]) == [False]
    assert halves([small] * 4) == [False, True, True, False]
    assert halves([small] * 5) == [False, True, True, True, True]
    assert halves([wide, small, wide, small, small]) == [False, False, False, True, True]
    assert halves([several] * 3) == [False] * 3
