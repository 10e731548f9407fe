"""The options of the doctor for what a difference costs, and the data that they name."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import click

from poolwise.cli.data_options import scored_data_options, task_option
from poolwise.cli.options import Command, RowLimit, sample_option, score_option, seed_option
from poolwise.progress import waiting

DEFAULT_LIMIT = 20_000

_OPTIONS = (
    click.option("--column", help="Of --labels: the column or key that holds the text."),
    task_option,
    score_option,
    sample_option(DEFAULT_LIMIT),
    seed_option,
    click.option(
        "--cost-vectors",
        type=click.Choice(["recomputed", "endpoint"]),
        default="recomputed",
        show_default=True,
        help="Vectors of --pairs, --labels and --queries: recomputed in the way that was found, or "
        "asked for from the endpoint, which is sent all of these texts.",
    ),
)

_KINDS = ("pairs", "labels", "queries")

_DATA = (
    *_KINDS,
    "corpus",
    "relevance",
    "queries_from",
    "corpus_limit",
    "dev",
    "test",
    "columns",
    "label_column",
    "column",
)


def cost_options(command: Command) -> Command:
    """Add the options for what a difference from the folder costs."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return scored_data_options(command)


def take_cost_data(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of ``diagnose`` that these options make; they are taken from
    ``options``. Raises TextError where data cannot be read."""
    where = {name: options.pop(name) for name in _DATA}
    limit: RowLimit = options.pop("limit")
    scored = {name: options.pop(name) for name in ("task", "score", "seed", "cost_vectors")}
    if not any(where[kind] for kind in _KINDS):
        names = tuple(name for name in _DATA if name not in (*_KINDS, "corpus_limit"))
        if unowned := [f"--{name.replace('_', '-')}" for name in names if where[name]]:
            raise click.UsageError(f"{', '.join(unowned)}: give --pairs, --labels or --queries too")
        return scored
    from poolwise.cli.datasets import by_kind, read_datasets, tell_of_the_limit  # noqa: PLC0415
    from poolwise.texts.limits import MAX_TEXT_BYTES  # noqa: PLC0415 - after what --help needs

    with waiting("reading the data"):
        data = read_datasets(
            **where,
            data=None,
            target=None,
            tags=(),
            texts=(),
            id_column=None,
            split=None,
            encoding="utf-8",
            max_text_bytes=MAX_TEXT_BYTES,
            limit=limit,
            seed=scored["seed"],
            task=scored["task"],
        )
    tell_of_the_limit(data)
    sets = by_kind(data)
    return scored | {kind: sets[kind] for kind in _KINDS}
