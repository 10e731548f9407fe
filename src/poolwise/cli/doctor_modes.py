"""Which options of ``poolwise doctor`` go together."""

from __future__ import annotations

from typing import Literal

import click
from click.core import ParameterSource

from poolwise.errors import OptionError, listed

_ANY = {"model", "api", "endpoint_model", "prompts", "as_json"}
_TAKES = {
    "--watch": {*_ANY, "watch", "metrics", "endpoint"},
    "--compare": {*_ANY, "compare", "second_model"},
}


def mode() -> Literal["diagnosis", "--watch", "--compare"]:
    """What the command line asks for. Raises OptionError for options of another of these."""
    context = click.get_current_context()
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.name
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    }
    if "watch" in given and "compare" in given:
        raise OptionError("--watch and --compare do not go together: give one of them")
    if "watch" not in given and "metrics" in given:
        raise OptionError("--metrics needs --watch STATE")
    if "compare" not in given and "second_model" in given:
        raise OptionError("--second-model needs --compare URL_A URL_B")
    if "watch" in given:
        _check(given, "--watch")
        if "endpoint" not in given:
            raise OptionError("--watch needs the server that is watched: --endpoint URL")
        return "--watch"
    if "compare" in given:
        _check(given, "--compare")
        return "--compare"
    return "diagnosis"


def _check(given: dict[str, str], asked: Literal["--watch", "--compare"]) -> None:
    if others := [option for name, option in given.items() if name not in _TAKES[asked]]:
        raise OptionError(f"{listed(others)}: not with {asked}; leave them out")
