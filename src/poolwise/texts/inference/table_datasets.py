"""Data sets from tables whose columns are known: one reader a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from poolwise.texts.columns import Table
from poolwise.texts.datasets import Datasets
from poolwise.texts.extra_columns import ValueKind
from poolwise.texts.fields import is_missing
from poolwise.texts.file_identity import in_memory
from poolwise.texts.inference.inferred_task import InferredTask
from poolwise.texts.inference.table_sources import TableSource
from poolwise.texts.labels import open_labels
from poolwise.texts.pairs import open_pairs
from poolwise.texts.retrieval.queries import open_queries
from poolwise.texts.tags import open_tags
from poolwise.texts.texts import open_texts

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

Convert = Callable[[object], object]

Inputs = Mapping[str, Any]
"""A reader's arguments: ``train``, and ``dev`` and ``test`` where there are such splits."""


def read_tables(
    inferred: InferredTask,
    sources: Mapping[str, TableSource],
    reading: Mapping[str, Any],
    note: str,
) -> Datasets:
    """The data set in these tables; ``note`` is the first of its notes. ``reading`` are options
    that all readers have: ``limit``, ``seed``, ``max_text_bytes``.

    Where no split is for training, readouts are chosen on the first.
    """
    first, *others = sources
    if not inferred.columns:
        inputs: Inputs = {"train": sources[first].data}
    elif inferred.task == "texts":
        inputs = {split: TextColumn(inferred, of, note) for split, of in sources.items()}
    else:
        tables = {split: columns_of(inferred, of) for split, of in sources.items()}
        inputs = {"train": tables[first], **{split: tables[split] for split in others}}
    return with_note(_READERS[inferred.task](inferred.columns, inputs, reading), note)


def with_note(datasets: Datasets, note: str) -> Datasets:
    """The data sets with this note as their first; texts have it from their source."""

    def noted(sets: Sequence[Any]) -> list[Any]:
        return [replace(data, notes=[note, *data.notes]) for data in sets]

    return Datasets(
        noted(datasets.pairs),
        noted(datasets.labels),
        noted(datasets.tags),
        noted(datasets.queries),
        datasets.texts,
    )


def _labels(kind: Any) -> Callable[..., Datasets]:
    def read(columns: Mapping[str, str], inputs: Inputs, reading: Mapping[str, Any]) -> Datasets:
        data = open_labels(
            [inputs["train"]],
            **_other_splits(inputs),
            kind=kind,
            text_column=columns.get("text"),
            label_column=columns.get("target"),
            **reading,
        )
        return Datasets(labels=[replace(data, kind=kind)])

    return read


def _pairs(columns: Mapping[str, str], inputs: Inputs, reading: Mapping[str, Any]) -> Datasets:
    names = [columns[role] for role in ("first", "second", "target")]
    return Datasets(
        pairs=[open_pairs([inputs["train"]], **_other_splits(inputs), columns=names, **reading)]
    )


def _queries(columns: Mapping[str, str], inputs: Inputs, reading: Mapping[str, Any]) -> Datasets:
    names = [columns[role] for role in ("query", "positive", "negative") if role in columns]
    return Datasets(
        queries=[open_queries([inputs["train"]], **_other_splits(inputs), columns=names, **reading)]
    )


def _tags(columns: Mapping[str, str], inputs: Inputs, reading: Mapping[str, Any]) -> Datasets:
    return Datasets(tags=[open_tags([inputs["train"]], **_other_splits(inputs), **reading)])


def _texts(columns: Mapping[str, str], inputs: Inputs, reading: Mapping[str, Any]) -> Datasets:
    column = columns.get("text")
    return Datasets(texts=[open_texts([*inputs.values()], column=column, blank=False, **reading)])


_READERS: Mapping[str, Callable[..., Datasets]] = {
    "classification": _labels("classification"),
    "clustering": _labels("classification"),
    "regression": _labels("regression"),
    "similarity": _pairs,
    "pair-classification": _pairs,
    "retrieval": _queries,
    "bitext": _queries,
    "tagging": _tags,
    "texts": _texts,
}


def _other_splits(inputs: Inputs) -> dict[str, Any]:
    return {split: inputs[split] for split in ("dev", "test") if split in inputs}


def columns_of(inferred: InferredTask, source: TableSource) -> Table:
    """The columns of the task: that of the splits is called ``split``, those of words and tags
    ``words`` and ``tags``. Classes get their names, and numbers that say which pairs are alike
    become 1 and 0."""
    table = source.open()
    names = {
        role if role in ("split", "words", "tags") else column: column
        for role, column in inferred.columns.items()
    }
    converts = _conversions(inferred, source)

    def rows(columns: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        own = [names[column] for column in columns]
        changes = [converts.get(column, _unchanged) for column in own]
        for number, values in table.rows(own):
            yield number, [change(value) for change, value in zip(changes, values, strict=True)]

    return replace(table, names=[*names], rows=rows, headed=True)


def _conversions(inferred: InferredTask, source: TableSource) -> Mapping[str, Convert]:
    """What is done to the values of columns: classes get their names, numbers among texts become
    texts, and what says that a pair's texts are alike becomes 1."""
    converts: dict[str, Convert] = {}
    for role, column in inferred.columns.items():
        if column in source.class_names:
            converts[column] = partial(_class_name, source.class_names[column])
        elif role not in ("target", "split", "words", "tags"):
            converts[column] = _as_string
        elif inferred.task in ("classification", "clustering"):
            converts[column] = _as_class
    if inferred.alike is not None:
        converts[inferred.columns["target"]] = partial(_as_alike, inferred.alike)
    return converts


def _unchanged(value: object) -> object:
    return value


def _class_name(names: Sequence[str], value: object) -> object:
    """The names of classes for their numbers, in lists too; None for a number that has none, as -1
    has of rows without a label."""
    if isinstance(value, list):
        return [_class_name(names, item) for item in value]
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None


def _as_string(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not is_missing(value) else value


def _as_class(value: object) -> object:
    """Integers among which one is missing are floats in a frame."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_alike(alike: str, value: object) -> object:
    return value if is_missing(value) else float(str(value).strip() == alike)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A table's column of texts as a source."""

    inferred: InferredTask
    of: TableSource
    note: str
    repeatable = True

    @property
    def label(self) -> str:
        return self.of.label

    def check(self) -> None:
        """The table was looked at."""

    def table(self, optional: Sequence[str] = ()) -> Table:
        table = columns_of(self.inferred, self.of)
        return replace(table, note="; ".join(filter(None, (self.note, table.note))))

    def types(self, names: Sequence[str]) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        return dict.fromkeys(names, frozenset({"text"}))

    def count(self) -> int | None:
        return None

    def identity(self) -> Mapping[str, Any]:
        raise in_memory(self.label)
