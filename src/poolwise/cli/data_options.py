"""The data options of ask and sweep: pairs, labels, tags, plain texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from poolwise.cli.options import Command, RowLimit, tell, text_options
from poolwise.errors import ColumnError
from poolwise.texts import (
    PREFIX,
    Dataset,
    Datasets,
    Texts,
    open_labels,
    open_pairs,
    open_tags,
    open_texts,
)

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
    """Add the data options to a command."""
    for option in reversed(DATA_OPTIONS):
        command = option(command)
    return text_options(command)


def read_datasets(
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
    limit: RowLimit,
    seed: int,
) -> Datasets:
    """The data that the options name. Raises TextError where it cannot be read."""
    _warn_of_streams([*pairs, *labels, *tags, *texts, *filter(None, (dev, test))], limit)
    sampling = limit.sampling(seed)
    label_sets = _label_sets(labels)
    if (dev or test) and len(pairs) + len(label_sets) + len(tags) != 1:
        raise click.UsageError(
            f"--dev and --test belong to one set of data; there are "
            f"{len(pairs) + len(label_sets) + len(tags)} (--pairs, --labels, --tags)"
        )
    reading: dict[str, Any] = {"encoding": encoding, "max_text_bytes": max_text_bytes, **sampling}
    splits: dict[str, Any] = {"dev": dev, "test": test, **reading}
    return Datasets(
        pairs=[
            open_pairs(name, columns=columns.split(",") if columns else None, **splits)
            for name in pairs
        ],
        labels=[
            open_labels(names, text_column=column, label_column=label_column, **splits)
            for names in label_sets
        ],
        tags=[open_tags(name, **splits) for name in tags],
        texts=[
            _plain_texts(
                texts,
                column,
                labels,
                id_column=id_column,
                split=split,
                blank=False,
                **reading,
            )
        ]
        if texts
        else [],
    )


def _plain_texts(
    names: Sequence[str], column: str | None, labels: Sequence[str], **options: Any
) -> Texts:
    """The texts; beside --labels, --column names the labels' text column, and is used here only
    where the texts need one."""
    if not labels or column is None:
        return open_texts(names, column=column, **options)
    try:
        return open_texts(names, **options)
    except ColumnError:
        return open_texts(names, column=column, **options)


def _warn_of_streams(names: Sequence[str], limit: RowLimit) -> None:
    """Say that a hub dataset is read to its end, which may take long."""
    for name in names:
        if name.startswith(PREFIX) and limit.rows is not None and not limit.head:
            tell(
                f"{name} is read to its end, of which {limit.rows:,} rows are drawn; "
                f"--limit head:{limit.rows} takes the first ones and reads no further"
            )


def _label_sets(labels: Sequence[str]) -> list[list[str]]:
    """The inputs of each data set: a file each, but files of one label (LABEL=F) are one set."""
    labelled_files = [name for name in labels if "=" in name and not Path(name).exists()]
    tables = [[name] for name in labels if name not in labelled_files]
    return [*([labelled_files] if labelled_files else []), *tables]


def by_kind(data: Datasets) -> dict[str, Any]:
    """The data sets of each kind as keyword arguments of the Python API; None for no set."""
    return {
        "pairs": list(data.pairs) or None,
        "labels": list(data.labels) or None,
        "tags": list(data.tags) or None,
        "texts": list(data.texts) or None,
    }


def tell_of_the_limit(datasets: Datasets) -> None:
    """Tell of the rows that were drawn where a limit took some."""
    data: Sequence[Dataset] = [*datasets.pairs, *datasets.labels, *datasets.tags, *datasets.texts]
    for dataset in data:
        for sample in dataset.samples:
            tell(f"{sample.source}: {sample}; --limit 0 reads all")
