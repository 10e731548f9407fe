"""The page in a browser: sentences compared and seen from inside; errors told in words."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request

import numpy as np
import pytest

import poolwise

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --no-first-run".split()
TEXTS = ["the cat sat on the mat", "a dog ran over the hill", "the sea is old and big"]
QUERY = "a bird sees the sea"
SERVED = ("mean@-1", "cls@-1")
PATIENCE_MS = 240_000


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
def url(live_server, tiny):
    return live_server(tiny("bert"), "-r", SERVED[0], "-r", SERVED[1])


@pytest.fixture
def visit(browser, url):
    """Open a page of the server. It must ask nothing of others, and say nothing to the console but
    that a request was refused, where ``refused`` says that one is."""
    said, asked, opened = [], [], []

    def visit(path="/", *, at=url, width=1280, refused=False, **options):
        page = browser.new_page(viewport={"width": width, "height": 844}, **options)
        page.set_default_timeout(PATIENCE_MS)

        def hear(message):
            if not (refused and message.text.startswith("Failed to load resource")):
                said.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append((at, request.url)))
        page.goto(at + path)
        opened.append(page)
        return page

    yield visit
    for page in opened:
        page.close()
    assert said == []
    assert [(at, to) for at, to in asked if not to.startswith(at + "/")] == []


@pytest.fixture
def compared(visit):
    """``compared(texts, query)``: a page that shows the comparison."""

    def compared(texts=TEXTS, query="", **options):
        page = visit(reduced_motion="reduce", **options)
        page.get_by_role("checkbox").first.wait_for(state="attached")
        page.get_by_role("textbox", name=re.compile("^Sentences")).fill("\n".join(texts))
        page.get_by_role("textbox", name=re.compile("^Query")).fill(query)
        page.get_by_role("button", name="Compare").click()
        page.locator("#comparison figure").first.wait_for()
        return page

    return compared


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def shown_matrix(figure, n):
    cells = [text.replace("−", "-") for text in figure.locator(".pair").all_text_contents()]
    return np.array(cells, float).reshape(n, n)


def test_two_readouts_are_compared_with_the_cosines_of_their_vectors(compared, tiny):
    page = compared()
    figures = page.locator("#comparison figure")
    assert figures.locator("h3").all_text_contents() == list(SERVED)
    model = poolwise.load(tiny("bert"))
    for figure, readout in zip(figures.all(), SERVED, strict=True):
        expected = cosines(model.embed(TEXTS, readout))
        np.testing.assert_allclose(shown_matrix(figure, len(TEXTS)), expected, atol=0.0051)
    assert page.get_by_role("status").text_content() == "3 sentences under 2 readouts."


def test_the_nearest_sentences_are_those_of_the_highest_cosine(compared, tiny):
    page = compared(query=QUERY)
    model = poolwise.load(tiny("bert"))
    columns = page.locator("#nearest > div").all()
    assert len(columns) == len(SERVED)
    for column, readout in zip(columns, SERVED, strict=True):
        scores = cosines(model.embed([*TEXTS, QUERY], readout))[-1, :-1]
        order = [TEXTS[i] for i in np.argsort(-scores)]
        shown = column.locator("li > span:first-child").all_text_contents()
        assert [text.partition(" ")[2] for text in shown] == order
    assert page.locator("#comparison .pair").count() == 2 * len(TEXTS) ** 2  # without the query


def test_a_typed_readout_joins_the_comparison(compared, tiny):
    page = compared()
    field = page.get_by_label("Another readout")
    field.fill("mean@concat(1,2)|l2")
    field.press("Enter")
    field.press("Control+Enter")
    page.get_by_role("heading", name="mean@concat(1,2)|l2").first.wait_for()
    figure = page.locator("#comparison figure").nth(2)
    expected = cosines(poolwise.load(tiny("bert")).embed(TEXTS, "mean@concat(1,2)"))
    np.testing.assert_allclose(shown_matrix(figure, len(TEXTS)), expected, atol=0.0051)
    assert "64 dimensions" in figure.locator("figcaption").text_content()


def test_tokens_are_shown_and_what_is_cut_is_struck_out(compared, tiny):
    long = "the old cat sat " * 20 + "unread"
    page = compared([TEXTS[0], long])
    first, second = page.locator("#tokens > li").all()
    tokens = first.locator(".token").all_text_contents()
    assert tokens == ["[CLS]", "the", "cat", "sat", "on", "the", "mat", "[SEP]"]
    assert first.locator("small").text_content() == "8 tokens"
    assert first.locator("s").count() == 0
    whole = poolwise.load(tiny("bert"), max_length=64).tokenizer.encode([long])[0]
    assert f"64 of {len(whole) + 2} tokens" in second.locator("small").text_content()
    read, cut = second.locator(".token").all_text_contents()[1:-1], second.locator("s")
    assert [*read, *cut.text_content().split()] == long.split()
    assert "1 too long" in page.get_by_role("status").text_content()
    first.locator(".token").nth(2).hover()
    assert "position 2: cat" in page.locator("#token-line").text_content()


@pytest.mark.parametrize(
    ("readout", "words"),
    [
        ("mean@99", "No hidden state 99"),
        ("meen@-1", "meen"),
        ("mean@-1|whiten(4)", "fit"),
        ("<b>@-1", "<b>"),
    ],
)
def test_a_wrong_readout_is_told_in_words(visit, readout, words):
    page = visit(refused=True)
    field = page.get_by_label("Another readout")
    field.fill(readout)
    field.press("Control+Enter")
    told = page.locator("#message.error")
    told.wait_for()
    assert words in told.text_content()
    assert told.get_attribute("aria-live") == "polite"
    assert page.locator("#message b").count() == 0
    assert page.locator("#results").is_hidden()


def test_no_sentence_and_too_many_are_told_in_words(visit):
    page = visit(refused=True)
    texts, told = (
        page.get_by_role("textbox", name=re.compile("^Sentences")),
        page.locator("#message.error"),
    )
    texts.fill(" \n\n ")
    texts.press("Control+Enter")
    assert told.text_content() == "Type a sentence or more, one a line."
    texts.fill("\n".join(["the cat"] * 41))
    texts.press("Control+Enter")
    page.get_by_text("Found 41 sentences, expected at most 40").wait_for()
    texts.fill("the cat\n" + "a" * 20_001)
    texts.press("Control+Enter")
    page.get_by_text("Sentence 2 has 20,001 characters").wait_for()


def test_a_server_that_is_gone_is_told_in_words(visit):
    page = visit(refused=True)
    page.get_by_role("checkbox").first.wait_for(state="attached")
    page.context.set_offline(True)
    page.get_by_role("button", name="Compare").click()
    page.locator("#message.error").wait_for()
    assert "does not answer" in page.locator("#message").text_content()
    page.get_by_text("The server does not answer").nth(1).wait_for()  # the state above, too
    page.context.set_offline(False)
    page.locator("#state[data-state=ready]").wait_for()


def test_sentences_are_seen_from_inside(visit, tiny):
    pytest.importorskip("torch")
    page = visit(reduced_motion="reduce")
    page.get_by_role("textbox", name=re.compile("^Sentences")).fill("\n".join(TEXTS[:2]))
    page.get_by_role("button", name="Look inside").click()
    articles = page.locator("#sentences article")
    articles.first.wait_for()
    assert articles.count() == 2
    expected = poolwise.inspect(tiny("bert"), TEXTS[:2], ["mean@-1"], weights=True)
    names = [method["name"] for method in expected["methods"]]
    assert page.locator("#methods label").all_text_contents() == names
    own = expected["sentences"][1]["weights"]["zeroing"][-1][0]
    line = articles.nth(1).locator(".line").first
    assert line.text_content().startswith(f"[CLS] itself {100 * own:.{1 if own >= 0.01 else 2}f} %")
    assert articles.first.locator("svg").get_attribute("aria-label").startswith("Norms by layer")
    assert articles.first.locator(".cell").count() == 12
    page.get_by_role("slider", name="Layer").press("Home")
    assert "the same in every sentence" in line.text_content()
    assert page.title().endswith("· poolwise")


def test_everything_is_reached_by_keyboard(visit):
    page = visit(reduced_motion="reduce")
    page.get_by_role("checkbox").first.wait_for(state="attached")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
        if seen[-1] == "texts":
            page.keyboard.press("Control+a")
            page.keyboard.type("the cat\na dog")
        if seen[-1] == "query":
            page.keyboard.type("a bird")
            page.keyboard.press("Enter")
            page.locator("#comparison figure").first.wait_for()
    assert seen[:6] == ["texts", *SERVED, "spec", "add", "query"]
    assert "look" in seen
    page.locator("#comparison .pair[tabindex='0']").first.focus()
    page.keyboard.press("ArrowRight")
    line = page.locator("#pair-line").text_content()
    assert line.startswith("1 the cat2 a dog")
    assert page.locator("#comparison .pair.active").count() == 2
    page.get_by_role("radio", name="cosine").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="order within a matrix").is_checked()
    assert "in sevenths" in page.locator("#colour-scale").text_content()


def test_every_field_and_button_has_a_name(compared):
    page = compared(query=QUERY)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, textarea, select, button, meter")]
            .filter((node) => !node.labels?.length && !node.ariaLabel && !node.ariaHidden
                && !node.textContent.trim())
            .map((node) => node.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(compared, width, scheme):
    texts = [*TEXTS, "a" * 300, *(f"the cat sat on hill {i}" for i in range(36))]
    page = compared(texts, QUERY, width=width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#comparison .pair").count() == 2 * 40 * 40
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == (scheme == "dark")


def test_a_hostile_sentence_is_text(compared):
    hostile = "</script><img src=x onerror=alert(1)><b>cat</b>"
    page = compared([hostile, "a dog"], hostile)
    assert page.locator("main b > *, main img").count() == 0
    page.locator("#comparison .pair").nth(1).hover()
    assert hostile in page.locator("#pair-line").text_content()
    assert hostile in page.locator("#nearest-title").text_content()


def test_the_state_of_the_server_is_followed(compared, url):
    page = compared()
    page.locator("#state[data-state=ready]").wait_for()
    with urllib.request.urlopen(f"{url}/page/status") as reply:
        before = json.load(reply)["requests"]
    page.get_by_role("button", name="Compare").click()
    page.get_by_text(re.compile(rf"· {before + 1:,} requests embedded, ")).wait_for()
    page.locator("#rate", has_text=re.compile(r"^[\d,]+$")).wait_for()
    page.locator("#latency", has_text=re.compile(r" m?s$")).wait_for()
    assert page.locator("#served tbody tr").count() == len(SERVED)
    assert "/v1/embeddings" in page.locator("#example").text_content()


def test_a_key_is_asked_for_and_kept_for_the_session(visit, live_server, tiny, tmp_path_factory):
    keys = tmp_path_factory.getbasetemp() / "page-keys"
    keys.write_text("secret\n")
    at = live_server(tiny("bert"), "-r", "mean@-1", "--api-key-file", keys)
    page = visit(at=at, refused=True)
    field = page.get_by_label("API key", exact=True).and_(page.locator("input"))
    assert field.is_hidden()
    page.get_by_role("checkbox").first.wait_for(state="attached")
    page.get_by_role("button", name="Compare").click()
    field.wait_for()
    assert page.evaluate("document.activeElement.id") == "key"
    assert "needs a key" in page.locator("#message.error").text_content()
    field.fill("wrong")
    field.press("Enter")
    page.get_by_text("not one of this server’s keys").wait_for()
    field.fill("secret")
    field.press("Enter")
    page.locator("#comparison figure").first.wait_for()
    assert field.is_hidden()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    page.reload()
    page.get_by_role("checkbox").first.wait_for(state="attached")
    page.get_by_role("button", name="Compare").click()
    page.locator("#comparison figure").first.wait_for()
    assert "$KEY" in page.locator("#example").text_content()


def test_the_api_is_described_for_people(visit, url):
    page = visit("/docs", width=360)
    page.locator("#operations details").first.wait_for()
    with urllib.request.urlopen(f"{url}/openapi.json") as reply:
        paths = json.load(reply)["paths"]
    listed = page.locator("#operations > details > summary > code").all_text_contents()
    assert listed == [path for path, methods in paths.items() for _ in methods]
    page.get_by_label("Find an operation").fill("v1/embeddings")
    page.locator("#operations > details:visible").first.locator("summary").first.click()
    shown = page.locator("#operations > details[open]")
    shown.get_by_text("truncate_prompt_tokens").first.wait_for()  # it is filled once it opens
    assert "The queue is full" in shown.text_content()
    fields = shown.locator(".fold > summary")
    for number in reversed(range(fields.count())):  # an open one may hold others
        fields.nth(number).click()
    shown.locator(".fold[open]", has_text="embedding").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_label("Find an operation").fill("nothing of that kind")
    page.get_by_text("No operation has that").wait_for()
