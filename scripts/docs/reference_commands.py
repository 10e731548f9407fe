"""docs/reference/commands.md: every command, option and exit code, from click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import click
from page_text import code, fence, page, plain, table

from poolwise import errors
from poolwise.cli import COMMANDS, EXIT_CODES, poolwise
from poolwise.studies.registry import QUESTIONS

DEFAULT = re.compile(r"\s*\[default: ([^\]]*)\]$")
"""At the end of a help text, where click does not know the default."""

PAGE = re.compile(r"docs/(\w+)\.md")


def write() -> str:
    """The page."""
    root = click.Context(poolwise, info_name="poolwise", **poolwise.context_settings)
    return page(
        "Commands",
        *_help(poolwise),
        table(["command", ""], _contents()),
        table(["option", ""], [_option(option, root)[:2] for option in poolwise.params]),
        "Every command has `-h` and `--help`, which print what stands here of it. "
        "`--option=VALUE` and `--option VALUE` are the same; `--` ends the options.",
        *(block for name in COMMANDS for block in _command(name, root)),
        "## Exit codes",
        "An error is one sentence on stderr; with `--json` it is also the one document on stdout, "
        '`{"error": …, "exit_code": …}`.',
        table(["code", "means", "errors in Python"], _exit_codes()),
    )


def _contents() -> Iterator[list[str]]:
    for name, meaning in COMMANDS.items():
        yield [f"[`{name}`](#{name})", plain(meaning)]


def _command(name: str, root: click.Context) -> Iterator[str]:
    command = poolwise.get_command(root, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=root)
    yield f"## {name}"
    usage = " ".join(["poolwise", name, *command.collect_usage_pieces(context)])
    yield fence(usage, "text")
    yield from _help(command)
    if name == "ask":
        yield table(["QUESTION", "asks", "measured on"], _questions())
    options = [p for p in command.params if isinstance(p, click.Option)]
    yield table(["option", "", "default"], [_option(option, context) for option in options])


def _help(command: click.Command) -> Iterator[str]:
    """The paragraphs of a help text; those that click is told not to wrap are examples."""
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            examples = re.sub(r" {2,}\((.*)\)$", r"  # \1", paragraph, flags=re.MULTILINE)
            examples = examples.removeprefix("\b\n")
            yield fence(examples, "bash" if "poolwise " in examples else "text")
        else:
            yield plain(paragraph)


def _questions() -> Iterator[list[str]]:
    for name, row in QUESTIONS.items():
        takes = ", ".join(f"`--{kind}`" for kind in row.takes)
        yield [code(name), plain(row.question), takes]


def _option(option: click.Option, context: click.Context) -> list[str]:
    """Its names and values, what it is for, and its default."""
    metavar = "" if option.is_flag else option.make_metavar(context)
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    if option.metavar is None and (choices or isinstance(option.type, click.IntRange)):
        metavar = "" if choices else "N"
    names = [*option.opts, *option.secondary_opts]
    names.sort(key=lambda name: name.startswith("--"))
    written = ", ".join(map(code, names)) + (f" {code(metavar)}" if metavar else "")
    text = option.help or ""
    default = _default(option, context)
    if (found := DEFAULT.search(text)) and text.count("[default:") == 1:
        text, default = text[: found.start()], plain(found[1])
        if default.isdecimal() or default in choices:
            default = code(default)
    limits = [f"One of {', '.join(f'`{choice}`' for choice in choices)}."] if choices else []
    if isinstance(option.type, click.IntRange):
        limits = [_range(option.type)]
    if option.multiple and "repeated" not in text:
        limits.append("May be repeated.")
    if option.required:
        limits.append("**Required.**")
    shown = PAGE.sub(r"[\g<0>](../\1.md)", plain(text))
    return [written, " ".join([shown, *filter(None, limits)]), default]


def _range(numbers: click.IntRange) -> str:
    if numbers.max is None:
        return "" if numbers.min is None else f"A whole number, {numbers.min} or more."
    return f"A whole number from {numbers.min} to {numbers.max}."


def _default(option: click.Option, context: click.Context) -> str:
    if option.is_flag or not option.show_default:
        return ""
    return code(option.get_default(context))


def _exit_codes() -> Iterator[list[str]]:
    for number, meaning in EXIT_CODES.items():
        of_code = [
            code(name)
            for name, kind in vars(errors).items()
            if isinstance(kind, type)
            and issubclass(kind, errors.PoolwiseError)
            and kind.exit_code == number
        ]
        yield [str(number), plain(meaning), ", ".join(of_code)]
