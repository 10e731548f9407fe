"""poolwise --version: the version alone, or all that a report of a bug needs."""

from __future__ import annotations

import click

from poolwise.cli.options import console, print_json
from poolwise.version import __version__


def show_version(verbose: bool, as_json: bool) -> None:
    """Print the version; ``verbose`` adds the machine, the native engine and the packages."""
    if not verbose:
        print_json({"poolwise": __version__}) if as_json else click.echo(
            f"poolwise, version {__version__}"
        )
        return
    from poolwise.installation import environment  # noqa: PLC0415 - imports NumPy

    installed = environment()
    if as_json:
        print_json(installed)
        return
    out = console()
    for name, value in installed.rows():
        out.print(f"{name:<22} {value}", soft_wrap=True)
