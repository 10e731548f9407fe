"""Writes docs/reference/: `python scripts/docs/reference.py [DOCS]`.

Each page is made from the code itself: tables of the grammar, click's commands, types of the
server's routes, its registry of metrics, and files that are written here, in a temporary folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import reference_commands
import reference_files
import reference_grammar
import reference_metrics
import reference_python
import reference_routes
from page_text import ROOT

PAGES: Mapping[str, Callable[[], str]] = {
    "grammar": reference_grammar.write,
    "commands": reference_commands.write,
    "python": reference_python.write,
    "files": reference_files.write,
    "routes": reference_routes.write,
    "metrics": reference_metrics.write,
}


def write_pages(docs: Path) -> None:
    """Every page, in ``docs/reference``; one that has not changed keeps its date."""
    folder = docs / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        path, text = folder / f"{name}.md", write()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
