"""poolwise inspect --html: where the page goes, and what is said of it."""

from __future__ import annotations

import json

import pytest


def test_the_page_is_written_and_named(run, tiny, tmp_path):
    page = tmp_path / "page.html"
    code, stdout, _ = run("inspect", tiny("bert"), "the cat", "a dog ran", "--html", page)
    assert code == 0
    assert str(page) in stdout
    assert "norm of each token" in stdout
    html = page.read_text(encoding="utf-8")
    assert '"text":"a dog ran"' in html
    assert '"key":"zeroing"' in html


def test_the_document_names_the_page_and_holds_what_it_shows(run, tiny, tmp_path):
    page = tmp_path / "page.html"
    code, stdout, _ = run("inspect", tiny("bert"), "the cat", "--html", page, "--json")
    seen = json.loads(stdout)
    assert code == 0
    assert seen["page"] == str(page)
    assert len(seen["sentences"][0]["weights"]["norms"]) == 4
    plain = json.loads(run("inspect", tiny("bert"), "the cat", "--json")[1])
    assert "page" not in plain
    assert plain["sentences"][0]["norms"] == seen["sentences"][0]["norms"]
    assert "weights" not in plain["sentences"][0]


@pytest.mark.parametrize(("place", "code"), [("none/page.html", 5), (".", 2)])
def test_a_place_that_cannot_be_is_told(run, tiny, tmp_path, place, code):
    assert run("inspect", tiny("bert"), "the cat", "--html", tmp_path / place)[0] == code
