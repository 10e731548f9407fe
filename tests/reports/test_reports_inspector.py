"""The inspector's page: its text safe, and in a browser alive, legible and silent."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

import poolwise
from poolwise.errors import StoreError
from poolwise.inspection import inspect
from poolwise.reports.inspector import render, write_inspector

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --no-first-run".split()
LONG = "the old cat sat on a mat by the sea and a dog ran over the hill to a house, " * 2


@pytest.fixture(scope="module")
def texts(hostile):
    return [hostile + " 🙂 שלום", LONG, "שלום, a cat", "the cat"]


@pytest.fixture(scope="module")
def document(tiny, texts):
    model = poolwise.load(tiny("bert", max_position_embeddings=128))
    return inspect(model, texts, ["cls@-1", "mean@-1"], weights=True)


@pytest.fixture(scope="module")
def browser():
    """Closed with the module: while it lives, its event loop is the thread's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, document, tmp_path):
    """Open a document's page, which must say nothing to the console and request nothing else."""
    said, asked, opened = [], [], []

    def visit(shown=document, *, width=1280, **options):
        path = write_inspector(shown, tmp_path / "page.html")
        page = browser.new_page(viewport={"width": width, "height": 844}, **options)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield visit
    for page in opened:
        page.close()
    assert said == []
    assert asked == [(tmp_path / "page.html").as_uri()] * len(opened)


class Scripts(HTMLParser):
    """The scripts of a page, and the places that could ask for more."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.links, self._open = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._open = tag == "script"
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        if self._open:
            self.texts.append(data)

    def handle_endtag(self, tag):
        self._open = False


def test_the_page_holds_its_document_and_asks_for_nothing(document, texts):
    page = render(document)
    scripts = Scripts(page)
    assert scripts.links == []
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert len(scripts.texts) == 2
    inside = json.loads(scripts.texts[0])
    assert [sentence["text"] for sentence in inside["sentences"]] == texts
    assert "<b>" not in page
    assert inside["sentences"][0]["weights"]["average"][0] is None


def test_numbers_are_short_and_what_json_lacks_is_null(document):
    page = render({**document, "cosine": {"mean@-1": [[float("nan"), 0.123456789]]}})
    assert json.loads(Scripts(page).texts[0])["cosine"] == {"mean@-1": [[None, 0.12346]]}


def test_a_page_replaces_the_one_before_and_a_place_that_cannot_be_is_told(document, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(StoreError, match="exists; choose another name, or --force"):
        write_inspector(document, path)
    assert path.read_text() == "old"
    assert write_inspector(document, path, overwrite=True) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(StoreError, match="no folder"):
        write_inspector(document, tmp_path / "none" / "page.html")


def steps(page, sentence=0):
    """The colour of each token of a sentence."""
    tokens = page.locator("article").nth(sentence).locator(".tokens").first.locator(".token")
    return tokens.evaluate_all("several => several.map(t => getComputedStyle(t).backgroundColor)")


def test_the_slider_moves_by_keyboard_and_colours_change(visit):
    page = visit(reduced_motion="reduce")
    slider = page.get_by_role("slider", name="Layer")
    assert page.locator("#layer-value").text_content() == "3 of 3"
    before = steps(page)
    slider.focus()
    slider.press("ArrowLeft")
    assert page.locator("#layer-value").text_content() == "2 of 3"
    assert steps(page) != before
    slider.press("Home")
    assert page.locator("#layer-value").text_content() == "0 of 3"
    assert len(set(steps(page))) == 1
    assert "the same in every sentence" in page.locator("article .line").first.text_content()


def test_it_opens_on_the_method_that_deletion_confirms(visit, document):
    page = visit()
    assert page.get_by_role("radio", name="Value Zeroing").is_checked()
    assert "leaving each of them out" in page.locator("#method-description").text_content()
    assert document["methods"][0]["key"] == "zeroing"


def test_methods_switch_and_say_what_they_show(visit, document):
    page = visit(reduced_motion="reduce")
    seen = set()
    for method in document["methods"]:
        page.get_by_role("radio", name=method["name"]).check()
        assert page.locator("#method-description").text_content() == method["says"]
        seen.add(tuple(steps(page, 1)))
    assert len(seen) == len(document["methods"]) == 4


def test_a_tokens_number_is_read_on_hover_and_by_keyboard(visit, document):
    page = visit()
    article = page.locator("article").nth(3)
    tokens = article.locator(".tokens").first.locator(".token")
    line = article.locator(".line").first
    summary = line.text_content()
    tokens.nth(1).hover()
    name, place, weight, multiple, norm = line.text_content().split(" · ")
    expected = document["sentences"][3]
    assert (name, place) == ("the", "position 1")
    own, *others = expected["weights"]["zeroing"][-1]
    assert float(weight.removesuffix(" % of [CLS]")) == pytest.approx(100 * others[0], abs=0.051)
    assert own + sum(others) == pytest.approx(1, abs=1e-4)
    equal = sum(others) / len(others)
    assert float(multiple.split(" ×")[0]) == pytest.approx(others[0] / equal, abs=0.051)
    assert norm == f"norm {expected['norms']['tokens'][1][-1]:.2f}"
    assert article.locator("svg text.active").text_content() == "the"
    page.mouse.move(0, 0)
    assert line.text_content() == summary
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert line.text_content().startswith("cat · position 2")
    assert "cat, " in tokens.nth(2).get_attribute("aria-label")


def test_a_head_is_chosen_by_click_and_by_keyboard(visit, document):
    page = visit()
    article = page.locator("article").nth(1)
    article.get_by_role("button", name="layer 2, head 3:").click()
    assert article.locator("h4").text_content() == "Layer 2, head 3 looks at"
    own = document["sentences"][1]["attention"][1][2][0]
    assert f"[CLS] itself {100 * own:.1f} %" in article.locator("figure .line").text_content()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert article.locator("h4").text_content() == "Layer 3, head 3 looks at"
    pressed = article.locator("[aria-pressed=true]")
    assert pressed.count() == 1
    assert "layer 3, head 3" in pressed.get_attribute("aria-label")


def test_a_hostile_sentence_is_text(visit, hostile):
    page = visit()
    assert page.locator("article b").count() == 0
    assert page.locator("script").count() == 2
    shown = page.locator("article").first.locator(".tokens").first.text_content()
    assert "".join(hostile.split()) in "".join(shown.split())


def test_right_to_left_text_runs_so(visit):
    page = visit()
    directions = page.locator(".tokens").evaluate_all(
        "several => several.map(t => getComputedStyle(t).direction)"
    )
    assert directions == ["ltr"] * 4 + ["rtl"] * 2 + ["ltr"] * 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_of_the_scale_is_legible(visit, scheme):
    page = visit(color_scheme=scheme)
    styles = (
        "several => several.map(s => getComputedStyle(s)).map(s => [s.color, s.backgroundColor])"
    )
    pairs = page.locator("#scale [data-step]").evaluate_all(styles)
    assert len(pairs) == 7
    lights = [luminance(paper) for _, paper in pairs]
    assert lights == sorted(lights, reverse=scheme == "light")
    for ink, paper in pairs:
        dark, light = sorted([luminance(ink), luminance(paper)])
        assert (light + 0.05) / (dark + 0.05) > 4.5


def luminance(color):
    """Relative luminance (WCAG 2.2) of a computed ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(p * share for p, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(visit, width):
    page = visit(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_one_sentence_without_attention_says_what_is_missing(visit, document):
    sentence = {**document["sentences"][3]}
    sentence["weights"] = {"average": sentence["weights"]["average"]}
    del sentence["attention"]
    alone = {
        **document,
        "sentences": [sentence],
        "methods": [method for method in document["methods"] if method["key"] == "average"],
        "notes": ["pip install 'poolwise[torch]'"],
    }
    del alone["cosine"]
    page = visit(alone)
    assert page.locator("#notes").text_content() == "pip install 'poolwise[torch]'"
    assert page.locator("#similarity").is_hidden()
    assert page.locator(".cell").count() == 0
    assert page.locator("article svg").count() == 1


def test_a_document_that_comes_later_is_drawn_in_place(visit, document):
    page = visit()
    other = {**document, "sentences": document["sentences"][:2]}
    page.evaluate("inspection => render(inspection)", other)
    assert page.locator("article").count() == 2
