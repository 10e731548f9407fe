"""poolwise.inspect: sentences as a document that shows itself."""

from __future__ import annotations

import json

import poolwise


def test_an_inspection_is_a_document_and_a_page(model):
    inspection = poolwise.inspect(model, ["the cat sat", "a dog ran"])
    assert json.loads(json.dumps(inspection)) == inspection
    assert repr(inspection) == f"<Inspection: {inspection['verdict']}>"
    html = inspection._repr_html_()
    assert html.startswith('<iframe srcdoc="')
    assert html.count('"') == html.split("srcdoc=")[0].count('"') + 8
    assert "<html" in inspection.page()


def test_one_text_is_inspected(model):
    assert poolwise.inspect(model, "the cat sat")["verdict"]
