"""The generated reference has every command, option, name, route and metric, each described."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import click
import pytest
from starlette.routing import Route

import poolwise
from poolwise import cli, errors
from poolwise.readouts import POOLS, STEPS
from poolwise.readouts.aliases import POOL_ALIASES
from poolwise.readouts.layers import COMBINES
from poolwise.serving import app

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts/docs"))
from reference import write_pages  # noqa: E402
from reference_python import GROUPS  # noqa: E402

MEANINGS = {"", "does", "holds", "reads", "means", "counts", "is", "asks"}
"""Heads of the columns that describe a row."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    docs = tmp_path_factory.mktemp("docs")
    write_pages(docs)
    return {path.stem: path.read_text(encoding="utf-8") for path in docs.rglob("*.md")}


def test_every_page_of_the_menu_is_written(pages):
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"reference/(\w+)\.md", menu)) == pages.keys()


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_is_described(pages, name):
    section = pages["commands"].split(f"\n## {name}\n")[1].split("\n## ")[0]
    command = cli.poolwise.get_command(click.Context(cli.poolwise), name)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for option in parameter.opts:
                assert re.search(rf"^\| .*`{re.escape(option)}`.* \|", section, re.MULTILINE), (
                    option
                )
                assert parameter.help
        else:
            usage = section.partition("```text\n")[2].partition("\n```")[0]
            metavar = parameter.metavar or parameter.name.upper()
            assert isinstance(parameter.type, click.Choice) or metavar.strip("[].") in usage


def test_every_exit_code_is_there(pages):
    table = pages["commands"].partition("## Exit codes")[2]
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.PoolwiseError):
            assert re.search(rf"^\| {kind.exit_code} \| .*`{kind.__name__}`", table, re.MULTILINE)


def test_every_public_name_is_there(pages):
    shown = re.findall(r"^::: (\S+)\n    options:\n      heading: (\S+)$", pages["python"], re.M)
    assert {*poolwise.__all__} - {"__version__"} <= {heading for _, heading in shown}
    for place, _ in shown:
        assert _is_defined(place), place


def test_every_adapter_and_error_is_there(pages):
    classes = {
        node.name
        for path in (ROOT / "src/poolwise/adapters").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert classes <= GROUPS["In other libraries"].keys()
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(
            kind, errors.PoolwiseError | errors.PoolwiseWarning
        ):
            assert f"::: poolwise.errors.{name}\n" in pages["python"]


def test_every_route_is_there(pages):
    routes = [r for r in app("demo", bert_as_service={}).routes if isinstance(r, Route)]
    assert len(routes) > 50
    for route in routes:
        if not route.path.startswith(("/page/web/", "/page/inspector/")):
            (method,) = set(route.methods) - ({"HEAD"} if "GET" in route.methods else set())
            assert f"`{method} {route.path}`" in pages["routes"]


def test_every_metric_is_there(pages):
    text = app("demo").state.service.metrics.text().decode()
    names = re.findall(r"^# HELP (\S+)", text, re.MULTILINE)
    assert len(names) > 10
    for name in names:
        assert f"| `{name.removesuffix('_total').removesuffix('_created')}` |" in pages["metrics"]


def test_every_word_of_the_grammar_is_there(pages):
    for word in (*POOLS, *STEPS, *POOL_ALIASES, *COMBINES):
        assert re.search(rf"`{re.escape(word)}[`@(\[]", pages["grammar"]), word


def test_nothing_is_without_a_description(pages):
    for name, page in pages.items():
        described = 0
        for head, *rows in _tables(page):
            for column in MEANINGS & {*head}:
                for row in rows[1:]:
                    described += 1
                    assert row[head.index(column)], (name, row)
        assert described or name == "python"


def _tables(page: str) -> list[list[list[str]]]:
    """The cells of every table, line by line, its head first."""
    blocks = re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE)
    return [[_cells(line) for line in block.splitlines()] for block in blocks]


def _cells(line: str) -> list[str]:
    """Between bars that are neither code nor escaped."""
    bare = re.sub(r"`[^`]*`", lambda code: code[0].replace("|", "/"), line)
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", bare)[1:-1]]


def _is_defined(place: str) -> bool:
    """Whether ``poolwise.model.Model.load`` is a function or a class of such a module."""
    words = place.split(".")
    path = ROOT / "src"
    while words and (path / words[0]).is_dir():
        path /= words.pop(0)
    module = path / f"{words[0]}.py"
    nodes = ast.parse(module.read_text(encoding="utf-8")).body if module.exists() else []
    found = None
    for word in words[1:]:
        named = (node for node in nodes if getattr(node, "name", None) == word)
        found = next(named, None)
        nodes = getattr(found, "body", [])
    return found is not None
