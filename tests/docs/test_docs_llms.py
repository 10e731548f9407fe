"""What the site gives to language models: one line a page, and every page as Markdown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts/docs"))
import llms  # noqa: E402
from menu import Entry, entries  # noqa: E402
from page_source import expanded  # noqa: E402

MENU = """
site_name: x
nav:
  - Start: index.md
  - Questions:
      - questions/index.md
      - Does it: or not?: questions/one.md
  - Contribute: contribute.md
"""


def test_the_menu_is_read_in_order():
    assert [*entries(MENU)] == [
        Entry("", "Start", "index.md"),
        Entry("Questions", "Questions", "questions/index.md"),
        Entry("Questions", "Does it: or not?", "questions/one.md"),
        Entry("", "Contribute", "contribute.md"),
    ]


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("# T\n\n**No. It\ndoes not.** Why", "No. It does not."),
        ("# T\n\n`a.b` holds 0.7, as [it](x.md) says. More.", "`a.b` holds 0.7, as it says."),
        ("# T\n\n```text\nnot this.\n```\n\n![not](x.svg)\n\nThis one", "This one"),
        ("# T\n\nOf the \\[CLS\\] alone. Then", "Of the [CLS] alone."),
    ],
)
def test_a_page_is_told_by_its_first_sentence(page, sentence):
    assert llms.first_sentence(page) == sentence


def test_snippets_stand_in_their_places(tmp_path):
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets/a.sh").write_text(
        "before\n# --8<-- [start:run]\npoolwise layers demo\n# --8<-- [end:run]\nafter\n"
    )
    page = '---\nresults: [a]\n---\n# T\n\n```bash\n--8<-- "a.sh:run"\n```\n\n    --8<-- "a.sh"\n'
    assert expanded(page, tmp_path) == (
        "# T\n\n```bash\npoolwise layers demo\n```\n\n"
        "    before\n    poolwise layers demo\n    after\n"
    )


def test_objects_stand_in_their_places(tmp_path):
    page = "# T\n\n::: poolwise.records.VectorBatch\n    options:\n      heading: Batch\n"
    text = expanded(page, tmp_path)
    assert "### Batch\n\nConsecutive texts" in text
    assert "#### Batch.flag_counts\n\n```python\nflag_counts(self) -> dict[str, int]\n```" in text


def test_the_list_links_every_page(tmp_path, monkeypatch):
    docs, site = tmp_path / "docs", tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(llms, "entries", lambda: entries(MENU))
    for entry in entries(MENU):
        (docs / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (docs / entry.path).write_text(
            f"# {entry.title}\n\nThe page {entry.path} is here. And on.\n"
        )
    llms.write(site, docs)
    listed = (site / "llms.txt").read_text()
    assert listed.startswith("# poolwise\n\n> Measure how ")
    assert [line for line in listed.splitlines() if line.startswith("## ")] == [
        "## poolwise",
        "## Questions",
    ]
    for entry in entries(MENU):
        assert f"/{entry.path}): The page {entry.path} is here.\n" in listed
        assert (site / entry.path).read_text() in (site / "llms-full.txt").read_text()
