"""What a notebook shows: a Vega-Lite specification a chart, an HTML fragment a finding."""

from __future__ import annotations

import base64
import json
import re
from xml.etree import ElementTree as ET

import pytest
import vl_convert

from poolwise.charts import TextTable
from poolwise.records import Answer, Finding
from poolwise.reports import MIME_TYPE, finding_html, summary_html, vega_lite
from poolwise.reports.rendering import RENDERERS, render_chart

FIXTURES = [
    *("cost_front", "layers", "density", "distances", "forest", "heat"),
    *("learning_curve", "multiples", "ranking"),
]


def svg_texts(svg):
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_chart_is_one_specification_with_title_and_legend(name, request):
    chart = request.getfixturevalue(f"{name}_chart")
    spec = json.loads(json.dumps(vega_lite(chart), allow_nan=False))
    major = re.search(r"vegalite\.(v\d+)", MIME_TYPE)[1]
    assert f"/vega-lite/{major}.json" in spec["$schema"]
    texts = svg_texts(vl_convert.vegalite_to_svg(spec, vl_version="5.20"))
    rendered = render_chart(chart)
    expected = [chart.title, *(panel.title for panel in rendered.panels if panel.title)]
    expected += [entry.text for entry in rendered.legend]
    assert set(expected) <= set(texts)
    assert texts.count(chart.title) == 1


def test_every_kind_with_panels_has_a_specification():
    assert len(FIXTURES) == len(RENDERERS) - 1
    assert vega_lite(TextTable("t", ["a"], [["b"]])) is None


def test_characters_that_no_page_holds_are_spelled_out(layers_chart, changed):
    spec = vega_lite(changed(layers_chart, title="a\0b\udcff"))
    assert spec["title"]["text"] == ["a\\x00b\\udcff"]


def test_a_fragment_says_what_was_found_without_script_or_network(finding, hostile):
    html = finding_html(finding)
    for text in (finding.question, finding.verdict, *finding.notes):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped.replace("'", "&#39;").replace('"', "&#34;") in html
    assert "0.0312" in html
    assert "[0.0270, 0.0360]" in html
    assert "<script" not in html
    assert "<b>" not in html
    assert not re.search(r"https?://", html)
    sources = re.findall(r'<img alt="[^"]*" src="data:image/svg\+xml;base64,([^"]+)">', html)
    assert len(sources) == len(finding.charts)
    titles = [svg_texts(base64.b64decode(source)) for source in sources]
    assert "Norm against length" in titles[0]


def test_a_fragment_holds_tables_as_tables():
    table = TextTable(
        "Came back", ["F1", "sentence"], [[0.25, [("the cat", True), (" ran", False)]]]
    )
    html = finding_html(Finding("a", "?", "!", charts=[table]))
    assert "<h4>Came back</h4>" in html
    assert "<mark>the cat</mark> ran" in html
    assert "<img" not in html


def test_a_summary_opens_with_the_answer_in_place_of_the_lead(hostile):
    answer = Answer("Use mean@6.", "0.85.", "384.", "Sure.", f"poolwise {hostile}", ["A note."])
    finding = Finding("a", "Which?", "This.", evidence="0.85 [0.84, 0.86]")
    html = summary_html("the lead", [], [finding], answer=answer)
    texts = ["Use mean@6.", "0.85.", "384.", "Sure.", "poolwise &lt;", "A note.", "Which?", "This."]
    places = [html.index(text) for text in [*texts, finding.evidence]]
    assert places == sorted(places)
    assert "the lead" not in html
    assert "<script" not in html
    assert "the lead" in summary_html("the lead", [], [finding])
