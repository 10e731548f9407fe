"""What is measured on: pairs, labels, tags, plain texts; the same options in ask and sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from poolwise.cli.options import Command, Rows, tell, text_options
from poolwise.errors import ColumnError
from poolwise.texts import PREFIX, Datasets, Texts, open_labels, open_pairs, open_tags, open_texts

dev_option = click.option(
    "--dev", metavar="F", help="Rows to choose on. [default: cut from the data]"
)
test_option = click.option(
    "--test", metavar="F", help="Rows to report on. [default: cut from the data]"
)
label_column_option = click.option("--label-column", help="The column that holds the labels.")

DATA_OPTIONS = (
    click.option(
        "--pairs",
        multiple=True,
        metavar="F",
        help="Pairs of texts with scores: STS, SICK, CSV, TSV, JSONL, Parquet, hf:NAME.",
    ),
    click.option(
        "--labels",
        multiple=True,
        metavar="F",
        help="Texts with labels; LABEL=F for files of one label each.",
    ),
    click.option("--tags", multiple=True, metavar="F", help="Words with tags, CoNLL."),
    click.option(
        "--texts", multiple=True, metavar="F", help='Plain texts: a file, "-", or hf:NAME.'
    ),
    dev_option,
    test_option,
    click.option(
        "--columns",
        metavar="A,B,SCORE",
        help="Of pairs: names, or numbers from 1 where there is no header.",
    ),
    label_column_option,
)


def data_options(command: Command) -> Command:
    """What to measure on."""
    for option in reversed(DATA_OPTIONS):
        command = option(command)
    return text_options(command)


def read_material(
    *,
    pairs: Sequence[str],
    labels: Sequence[str],
    tags: Sequence[str],
    texts: Sequence[str],
    dev: str | None,
    test: str | None,
    columns: str | None,
    label_column: str | None,
    column: str | None,
    id_column: str | None,
    split: Any,
    encoding: str,
    max_text_bytes: int,
    limit: Rows,
    seed: int,
) -> Datasets:
    """Read what the options name. Raises TextError where it cannot be read."""
    _tell_of_streams([*pairs, *labels, *tags, *texts, *filter(None, (dev, test))], limit)
    drawn = limit.drawn(seed)
    tables = _datasets(labels)
    if (dev or test) and len(pairs) + len(tables) + len(tags) != 1:
        raise click.UsageError(
            f"--dev and --test belong to one set of data; there are "
            f"{len(pairs) + len(tables) + len(tags)} (--pairs, --labels, --tags)"
        )
    read: dict[str, Any] = {"encoding": encoding, "max_text_bytes": max_text_bytes, **drawn}
    parts: dict[str, Any] = {"dev": dev, "test": test, **read}
    return Datasets(
        pairs=[
            open_pairs(one, columns=columns.split(",") if columns else None, **parts)
            for one in pairs
        ],
        labels=[
            open_labels(some, text_column=column, label_column=label_column, **parts)
            for some in tables
        ],
        tags=[open_tags(one, **parts) for one in tags],
        texts=[
            _plain_texts(
                texts,
                column,
                labels,
                id_column=id_column,
                split=split,
                blank=False,
                **read,
            )
        ]
        if texts
        else [],
    )


def _plain_texts(
    names: Sequence[str], column: str | None, labels: Sequence[str], **how: Any
) -> Texts:
    """Beside --labels, whose column --column is first of all, it is theirs where they need it."""
    if not labels or column is None:
        return open_texts(names, column=column, **how)
    try:
        return open_texts(names, **how)
    except ColumnError:
        return open_texts(names, column=column, **how)


def _tell_of_streams(names: Sequence[str], limit: Rows) -> None:
    """A dataset of the hub may have no end that anyone wants to wait for."""
    for name in names:
        if name.startswith(PREFIX) and limit.rows is not None and not limit.head:
            tell(
                f"{name} is read to its end, of which {limit.rows:,} rows are drawn; "
                f"--limit head:{limit.rows} takes the first ones and reads no further"
            )


def _datasets(labels: Sequence[str]) -> list[list[str]]:
    """Every file is a set of data, but files of one label each (LABEL=F) are one together."""
    named = [one for one in labels if "=" in one and not Path(one).exists()]
    alone = [[one] for one in labels if one not in named]
    return [*([named] if named else []), *alone]
