"""A page as plain Markdown: snippets in their places, docstrings where mkdocstrings has them."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from page_text import ROOT, fence

_SNIPPET = re.compile(r'^(?P<indent> *)--8<-- "(?P<name>[^":]+)(?::(?P<section>[^"]+))?"$', re.M)
_SECTION = r"^.*--8<-- \[start:{name}\].*\n(?P<text>(?:.*\n)*?).*--8<-- \[end:{name}\]"
_MARK = re.compile(r"^.*--8<-- \[(?:start|end):.*\n?", re.M)
_OBJECT = re.compile(r"^::: (?P<place>\S+)\n(?: +.*\n?)*", re.M)
_HEADING = re.compile(r"heading: (\S+)")
_IMAGE = re.compile(r"^(?:<div[^>]*>|</div>|!\[[^\]]*\]\([^)]*#only-dark\))\n?", re.M)


def expanded(page: str, docs: Path) -> str:
    """Without front matter, comments and pictures for dark pages."""
    page = re.sub(r"\A---\n.*?\n---\n", "", page, flags=re.DOTALL)
    page = re.sub(r"<!--.*?-->\n*", "", page, flags=re.DOTALL)
    page = _SNIPPET.sub(lambda match: _snippet(match, docs), page)
    page = _IMAGE.sub("", page).replace("#only-light", "")
    return _OBJECT.sub(_object, page).strip() + "\n"


def _snippet(match: re.Match[str], docs: Path) -> str:
    """The file, or a section of it, as far to the right as the line that names it."""
    text = (docs / "snippets" / match["name"]).read_text(encoding="utf-8")
    if match["section"]:
        section = re.search(_SECTION.format(name=re.escape(match["section"])), text, re.M)
        assert section, match[0]
        text = textwrap.dedent(section["text"])
    return textwrap.indent(_MARK.sub("", text).rstrip("\n"), match["indent"])


def _object(match: re.Match[str]) -> str:
    """The heading, signature and docstring of a function, or of a class and its methods."""
    heading = _HEADING.search(match[0])
    name = heading[1] if heading else match["place"]
    node = _definition(match["place"])
    blocks = [f"### {name}", *_described(node, name)]
    if isinstance(node, ast.ClassDef):
        for method in _functions(node.body):
            blocks += [f"#### {name}.{method.name}", *_described(method, method.name)]
    return "\n\n".join(blocks) + "\n\n"


def _described(node: ast.ClassDef | ast.FunctionDef, name: str) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        yield fence(f"{name}({ast.unparse(node.args)}){returns}", "python")
    yield (ast.get_docstring(node) or "").replace("``", "`")


def _functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


@cache
def _definition(place: str) -> ast.ClassDef | ast.FunctionDef:
    """Of ``poolwise.model.Model.load``, in its module's source."""
    words = place.split(".")
    path = ROOT / "src"
    while (path / words[0]).is_dir():
        path /= words.pop(0)
    source = (path / f"{words.pop(0)}.py").read_text(encoding="utf-8")
    node: ast.Module | ast.ClassDef | ast.FunctionDef = ast.parse(source)
    for word in words:
        node = next(
            child
            for child in node.body
            if isinstance(child, ast.ClassDef | ast.FunctionDef) and child.name == word
        )
    assert not isinstance(node, ast.Module), place
    return node
