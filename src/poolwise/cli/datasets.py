"""The data that the options of ask and sweep name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from poolwise.cli.options import RowLimit, tell
from poolwise.errors import ColumnError
from poolwise.texts import (
    Dataset,
    Datasets,
    Texts,
    is_dataset,
    open_labels,
    open_pairs,
    open_queries,
    open_tags,
    open_texts,
    queries_of_labels,
)
from poolwise.texts.retrieval.corpus_sample import DOCUMENTS


def read_datasets(
    *,
    data: str | None,
    target: str | None,
    pairs: Sequence[str],
    labels: Sequence[str],
    tags: Sequence[str],
    texts: Sequence[str],
    queries: Sequence[str],
    corpus: str | None,
    relevance: str | None,
    queries_from: str | None,
    corpus_limit: int,
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
    task: str | None = None,
) -> Datasets:
    """The data that the options name. Raises TextError where it cannot be read."""
    if data is not None:
        if any((pairs, labels, tags, texts, queries)):
            raise click.UsageError(
                "--data stands alone; leave out --pairs, --labels, --queries, --tags and --texts, "
                "or say with one of them what the data are"
            )
        if corpus or relevance:
            raise click.UsageError("--corpus and --relevance belong to --queries; there is none")
        if split or id_column:
            raise click.UsageError("--split and --id-column do not go with --data; say --texts")
        _warn_of_streams([data], limit)
        return _inferred(
            data,
            task,
            dev=dev,
            test=test,
            columns=columns.split(",") if columns else None,
            text_column=column,
            label_column=label_column,
            target=target,
            corpus_limit=corpus_limit or None,
            queries_from=queries_from,
            encoding=encoding,
            max_text_bytes=max_text_bytes,
            **limit.sampling(seed),
        )
    if target is not None:
        raise click.UsageError("--target names a column of --data; of --labels say --label-column")
    parts = [*filter(None, (corpus, relevance, dev, test))]
    _warn_of_streams([*pairs, *labels, *tags, *texts, *queries, *parts], limit)
    sampling = limit.sampling(seed)
    label_sets = _label_sets(labels)
    n_sets = sum(map(len, (pairs, label_sets, tags, queries)))
    if (dev or test) and n_sets != 1:
        raise click.UsageError(
            f"--dev and --test belong to one set of data; there are {n_sets} "
            "(--pairs, --labels, --tags, --queries)"
        )
    if (corpus or relevance) and len(queries) != 1:
        raise click.UsageError(
            f"--corpus and --relevance belong to one --queries; there are {len(queries)}"
        )
    if queries_from and not labels:
        raise click.UsageError("--queries-from labels takes texts from --labels; none was given")
    reading: dict[str, Any] = {"encoding": encoding, "max_text_bytes": max_text_bytes, **sampling}
    splits: dict[str, Any] = {"dev": dev, "test": test, **reading}
    named = columns.split(",") if columns else None
    labelled = [
        open_labels(names, text_column=column, label_column=label_column, **splits)
        for names in label_sets
    ]
    retrieval = [
        open_queries(
            name,
            corpus,
            relevance,
            # Beside labels and pairs these name their columns.
            text_column=None if labels else column,
            id_column=id_column,
            columns=None if pairs else named,
            corpus_limit=corpus_limit or None,
            **splits,
        )
        for name in queries
    ]
    if queries_from:
        retrieval += [queries_of_labels(data, seed) for data in labelled]
    return Datasets(
        pairs=[open_pairs(name, columns=named, **splits) for name in pairs],
        labels=labelled,
        queries=retrieval,
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


def _inferred(data: str, task: str | None, **options: Any) -> Datasets:
    """The data sets in --data; what they were taken as is told."""
    from poolwise.api.inputs import inferred_datasets  # noqa: PLC0415 - slow to import
    from poolwise.api.read_options import ReadOptions  # noqa: PLC0415 - likewise

    inferred = inferred_datasets(data, task, ReadOptions(**options))
    tell(inferred.sentence)
    return inferred.datasets


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
        if is_dataset(name) and limit.rows is not None and not limit.head:
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
        "queries": list(data.queries) or None,
        "texts": list(data.texts) or None,
    }


def tell_of_the_limit(datasets: Datasets) -> None:
    """Tell of the rows that were drawn where a limit took some."""
    data: Sequence[Dataset] = [
        *datasets.pairs,
        *datasets.labels,
        *datasets.tags,
        *[queries for queries in datasets.queries if not queries.proxy],
        *datasets.texts,
    ]
    for dataset in data:
        for sample in dataset.samples:
            option = "--corpus-limit" if sample.unit == DOCUMENTS else "--limit"
            tell(f"{sample.source}: {sample}; {option} 0 reads all")
