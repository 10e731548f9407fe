"""The menu of mkdocs.yml: which pages there are, in which order and under which headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from page_text import ROOT

_LINE = re.compile(r"(?P<indent> *)- (?:(?P<title>.+?): ?)?(?P<path>\S+\.md)?$")


@dataclass(frozen=True)
class Entry:
    """A page of the menu; ``section`` is empty for those beside the sections."""

    section: str
    title: str
    path: str


def entries(config: str | None = None) -> Iterator[Entry]:
    """Every page in order. ``config`` is the text of mkdocs.yml, by default the repository's."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8") if config is None else config
    section = ""
    for line in text.partition("\nnav:\n")[2].splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            break
        if len(match["indent"]) == 2:
            section = "" if match["path"] else match["title"]
        if match["path"]:
            yield Entry(section, match["title"] or section, match["path"])


def setting(name: str) -> str:
    """A line ``name: value`` of mkdocs.yml."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    assert found, name
    return found[1]
