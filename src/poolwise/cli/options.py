"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.streams import shows_all
from poolwise.escaping import escape_control, escape_control_json
from poolwise.json_values import to_plain
from poolwise.texts.limits import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from poolwise.cli.console import EscapingConsole

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")

limit_option = click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N texts."
)


@dataclass(frozen=True, slots=True)
class RowLimit:
    """At most ``rows`` of each input, drawn by the seed; the first ones if ``head``."""

    rows: int | None
    head: bool = False

    def sampling(self, seed: int) -> dict[str, Any]:
        """The arguments ``limit`` and ``seed`` of the readers of data."""
        return {"limit": self.rows, "seed": None if self.head else seed}


_HEAD = "head:"


def _rows(_: click.Context, __: click.Parameter, value: str) -> RowLimit:
    """``20000`` or ``head:20000``; 0 is no limit."""
    number = value.removeprefix(_HEAD)
    if not number.isdecimal():
        raise click.BadParameter(f"{value!r} is no number of rows: write 20000 or {_HEAD}20000")
    return RowLimit(int(number) or None, head=number != value)


def sample_option(default: int) -> Callable[[Command], Command]:
    """The option for the number of rows of the data."""
    return click.option(
        "--limit",
        callback=_rows,
        default=str(default),
        show_default=True,
        metavar="[head:]N",
        help="At most N rows of each input (of all --texts together), drawn by --seed so that "
        f"every label keeps its share; 0 for all. {_HEAD}N takes the first N and reads no further.",
    )


score_option = click.option(
    "--score",
    help="Of labels: accuracy, balanced accuracy, macro-F1, AUC or average precision; of labels "
    "that are numbers: R2 or Spearman [default: what suits the labels]; of queries: nDCG@10, "
    "recall@100, MRR@10, precision@1, at any rank, or MAP. [default: nDCG@10]",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of what is drawn: rows, folds, samples. The same seed draws the same.",
)

force_option = click.option("--force", is_flag=True, help="Replace OUTPUT if it exists.")

max_length_option = click.option(
    "--max-length",
    type=click.IntRange(min=3),
    help="Tokens read of a text, special tokens included. [default: the model's own]",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["exact", "near", "fast"]),
    default="exact",
    show_default=True,
    help="float32, fp16 or int16, int8 or int16. The output says which one made it.",
)

max_text_option = click.option(
    "--max-text-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    default=MAX_TEXT_BYTES,
    show_default=True,
    help="A row (a line, what is read of a table's) with more is an error.",
)

TEXT_OPTIONS = (
    click.option(
        "--column", help="The column or key that holds the text (CSV, JSONL, Parquet, hf:)."
    ),
    click.option("--id-column", "--id", help="The column or key that holds each text's id."),
    click.option(
        "--split",
        type=click.Choice(["sentences"]),
        help="Split whole books or paragraphs into sentences.",
    ),
    click.option("--encoding", default="utf-8", show_default=True, help="Of text files."),
    max_text_option,
)


def text_options(command: Command) -> Command:
    """Add the options that locate the texts within the inputs."""
    for option in reversed(TEXT_OPTIONS):
        command = option(command)
    return command


PROMPT_OPTIONS = (
    click.option(
        "--prompt",
        metavar="TEXT",
        help='Stands in front of every text; "" for none. [default: the model\'s own, if any]',
    ),
    click.option("--prompt-name", metavar="NAME", help="The model's prompt of this name: query."),
)


def prompt_options(command: Command) -> Command:
    """Add the options for a prompt in front of every text."""
    for option in reversed(PROMPT_OPTIONS):
        command = option(command)
    return command


KIND_PROMPT_OPTIONS = tuple(
    option
    for kind in ("query", "document")
    for option in (
        click.option(
            f"--{kind}-prompt",
            metavar="TEXT",
            help=f"Stands in front of every {kind} instead. [default: the model's own of {kind}]",
        ),
        click.option(
            f"--{kind}-prompt-name",
            metavar="NAME",
            help=f"The model's prompt of this name: {kind}.",
        ),
    )
)


def kind_prompt_options(command: Command) -> Command:
    """Add the options for the prompts of queries and of documents."""
    for option in reversed(KIND_PROMPT_OPTIONS):
        command = option(command)
    return command


def print_json(document: Any) -> None:
    """The one document on stdout; NaN and infinity become null. It may be printed on a terminal."""
    ascii_only = not shows_all(sys.stdout)  # JSON escapes the characters that are lacking
    text = json.dumps(to_plain(document), ensure_ascii=ascii_only, indent=2, allow_nan=False)
    sys.stdout.write(escape_control_json(text) + "\n")


def console() -> EscapingConsole:
    """Stdout for people, without colours when it is no terminal."""
    from poolwise.cli.console import EscapingConsole  # noqa: PLC0415 - not for every command

    return EscapingConsole()


def tell(line: str) -> None:
    """Print a line on stderr."""
    click.echo(f"poolwise: {escape_control(line)}", err=True)
