"""For language models: `python scripts/docs/llms.py out/site`.

Writes llms.txt (https://llmstxt.org: the site in one list, a line a page), llms-full.txt (all pages
as Markdown), and beside each page its Markdown, which the list links.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path

from menu import Entry, entries, setting
from page_source import expanded
from page_text import ROOT

OTHERS = "poolwise"
"""The heading of pages that are in no section."""

SHORT = 16
"""Characters: a sentence of fewer ("No.") says nothing without the next."""


def write(site: Path, docs: Path) -> None:
    """Into the built site, which has the pictures and the pages for people."""
    address = setting("site_url")
    pages = {entry: expanded((docs / entry.path).read_text("utf-8"), docs) for entry in entries()}
    head = f"# {setting('site_name')}\n\n> {setting('site_description')}\n"
    lists = [head]
    by_section = sorted(pages, key=lambda entry: entry.section != "")
    for section, members in groupby(by_section, key=lambda entry: entry.section):
        lines = [_line(entry, pages[entry], address) for entry in members]
        lists.append("\n".join([f"## {section or OTHERS}", "", *lines]) + "\n")
    (site / "llms.txt").write_text("\n".join(lists), encoding="utf-8")
    whole = [f"<!-- {address}{entry.path} -->\n\n{text}" for entry, text in pages.items()]
    (site / "llms-full.txt").write_text("\n".join([head, *whole]), encoding="utf-8")
    for entry, text in pages.items():
        target = site / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _line(entry: Entry, page: str, address: str) -> str:
    title = re.sub(r"([\[\]])", r"\\\1", entry.title)
    return f"- [{title}]({address}{entry.path}): {first_sentence(page)}"


def first_sentence(page: str) -> str:
    """Of the page's first paragraph of prose, without its marks."""
    without_code = re.sub(r"^( *)(```+).*?^\1\2 *$", "", page, flags=re.DOTALL | re.MULTILINE)
    for paragraph in without_code.split("\n\n"):
        text = " ".join(paragraph.split())
        if text and text[0] not in "#!|<>-:":
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("**", "")
            text = re.sub(r"\\([\[\]_*])", r"\1", text)
            # A full stop before a capital letter or the end: not that of `serve.toml` or 0.7.
            first, *rest = re.split(r"(?<=[.?!])\s+(?=[A-Z`\[])", text)
            return " ".join([first, *rest[:1]]) if len(first) < SHORT else first
    raise SystemExit(f"a page without a sentence: {page[:60]!r}")


if __name__ == "__main__":
    write(Path(sys.argv[1]), ROOT / "docs")
