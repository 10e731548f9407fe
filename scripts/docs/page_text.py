"""Markdown of the generated pages: tables, code, fences, docstrings without their importing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src/poolwise"
BLOB = "https://github.com/poolwise/poolwise/blob/main"

_CODE = re.compile(r"(`[^`]*`)")


def code(text: object) -> str:
    """Inline code; empty for no text."""
    shown = " ".join(str(text).split())
    if "`" in shown:
        return f"`` {shown} ``"
    return f"`{shown}`" if shown else ""


def plain(text: str) -> str:
    """Prose in which no character is Markdown's own; what stands in backquotes is code."""
    pieces = _CODE.split(text.replace("``", "`"))
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_<>\[\]{}#|])", r"\\\1", piece)
        for piece in pieces
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown, in one line each."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in lines)


def fence(text: str, language: str = "") -> str:
    """A block of code, longer fences around what holds fences."""
    marks = "````" if "```" in text else "```"
    return f"{marks}{language}\n{text.strip(chr(10))}\n{marks}"


def page(title: str, *blocks: str) -> str:
    """A page of blocks with blank lines between them; empty ones are left out."""
    note = "<!-- Written by scripts/docs/reference.py from the code. -->"
    return "\n\n".join(filter(None, (note, f"# {title}", *blocks))) + "\n"


def docstring(module: str) -> str:
    """Of a module of the package (``jobs/folder.py``), which is not imported."""
    tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
    text = ast.get_docstring(tree)
    assert text, f"{module} has no docstring"
    return text


def paragraphs(text: str) -> str:
    """A docstring's prose as Markdown: a paragraph of lines ``name  meaning`` is a code block."""
    blocks = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        listing = len(lines) > 1 and all(re.match(r"\S.*? {2,}\S| {2,}\S", line) for line in lines)
        blocks.append(fence(block, "text") if listing else plain(block))
    return "\n\n".join(blocks)
