"""Every recipe runs as it stands and prints what the comment at its end says."""

from __future__ import annotations

import ast
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

RECIPES = sorted((Path(__file__).parent.parent / "examples" / "recipes").glob("*.py"))


def imported(source):
    """The packages that a recipe imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def expected(source):
    """The lines of the comment at the end."""
    lines = []
    for line in reversed(source.splitlines()):
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines[::-1]


@pytest.mark.filterwarnings(
    "ignore:Importing from 'sentence_transformers:DeprecationWarning:bertopic",
    "ignore:Tensorflow not installed:ImportWarning:umap",
    "ignore:.*unsafe cast from uint64 to int64:Warning:ranx",
    "ignore:invalid escape sequence:DeprecationWarning:ranx",
)
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_prints_what_it_says(path, demo, tmp_path, monkeypatch, capsys):
    source = path.read_text(encoding="utf-8")
    for package in imported(source):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path))
    assert expected(source)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == expected(source)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_not_named_as_a_package(path):
    # Run by name, its folder comes first on the path: duckdb.py would import itself.
    assert find_spec(path.stem) is None
