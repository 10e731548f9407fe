"""Jinja templates: everything is escaped, nothing is undefined, JSON is compact."""

from __future__ import annotations

import jinja2


def templates(folder: str) -> jinja2.Environment:
    """The environment for the templates of a folder beside this file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("poolwise.reports", folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment
