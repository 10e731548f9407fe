"""What a shell completes beside click's own (commands, options, choices, paths).

Types are put in only while a shell asks: they change nothing of what a command reads.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from poolwise.readouts import POOLS, PoolKind

FILES = {"F", "FILE", "TEXTS", "DIR", "OUT", "INPUT..."}
"""Metavars of texts that are paths as a rule: hf:NAME and - stay possible."""

NAMED_FILES = {"output"}


class Files(click.types.StringParamType):
    """A file, or a folder: the shell lists both."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


class Models(click.types.StringParamType):
    """A folder, or ``demo`` where no folder begins like that."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        if "demo".startswith(incomplete) and not _folders(incomplete):
            return [CompletionItem("demo", help="a small model for trying things out")]
        return [CompletionItem(incomplete, type="dir")]


class Readouts(click.types.StringParamType):
    """Each pool of the last hidden state, or a file such as readout.toml."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        usual = [
            CompletionItem(readout, help=POOLS[pool].meaning)
            for pool in POOLS
            if pool != "token" and (readout := _of_last(pool)).startswith(incomplete)
        ]
        return usual or [CompletionItem(incomplete, type="file")]


class Grids(click.types.StringParamType):
    """A ready-made grid."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(grid) for grid in ("default", "full") if grid.startswith(incomplete)]


TYPES = {
    **dict.fromkeys(("model", "models", "checkpoint"), Models()),
    **dict.fromkeys(("readouts", "specs", "spec"), Readouts()),
    "grid": Grids(),
}
"""By a parameter's name in Python."""


def with_completions(command: click.Command) -> click.Command:
    """The command, with types that complete where its parameters are plain texts."""
    completing = copy(command)
    completing.params = [copy(parameter) for parameter in command.params]
    for parameter in completing.params:
        if not isinstance(parameter.type, click.types.StringParamType):
            continue
        if parameter.name in TYPES:
            parameter.type = TYPES[parameter.name]
        elif parameter.metavar in FILES or parameter.name in NAMED_FILES:
            parameter.type = Files()
    return completing


def _of_last(pool: PoolKind) -> str:
    return pool if POOLS[pool].form == "pooler" else f"{pool}@-1"


def _folders(prefix: str) -> bool:
    """Whether a folder here begins like this."""
    try:
        return any(path.is_dir() for path in Path().glob(f"{prefix}*") if path.name[0] != ".")
    except OSError:
        return False
