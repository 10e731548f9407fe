"""Data sets from what a Python caller has: paths, frames, Arrow tables, datasets, lists."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from poolwise.errors import TextError
from poolwise.inputs import check_container
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table, known_column, listed_columns
from poolwise.texts.datasets import LabelledTexts, TaggedSentences, TextPairs
from poolwise.texts.extra_columns import ValueKind, kinds_of
from poolwise.texts.labels import open_labels
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.memory import is_table, table_of
from poolwise.texts.pairs import open_pairs
from poolwise.texts.split_names import SPLIT_NAMES, find_split
from poolwise.texts.tables import Input
from poolwise.texts.tags import open_tags
from poolwise.texts.texts import Texts, open_texts

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_LABELS = ("text", "label", "split")
_PAIRS = ("sentence1", "sentence2", "score", "split")
_TAGS = ("words", "tags", "split")


def labels_from(data: object, *, name: str = "labels", **options: Any) -> LabelledTexts:
    """Labelled texts, from paths as ``open_labels`` takes them or from Python data.

    Python data is a frame (pandas, polars, Arrow), a ``datasets.Dataset``, a dict of columns, a
    tuple ``(texts, labels)``, a list of ``(text, label)`` or of dicts; or a dict of such tables by
    split (``datasets.DatasetDict``). Columns are found, and rows checked, left out, sampled and
    hashed, as in files; ``options`` are those of ``open_labels``. ``name`` is what reports call
    it. Raises TextError as ``open_labels`` does.
    """
    if isinstance(data, LabelledTexts):
        return data
    return open_labels(**_inputs(data, "sources", name, options, partial(table_of, fields=_LABELS)))


def pairs_from(data: object, *, name: str = "pairs", **options: Any) -> TextPairs:
    """Scored pairs, from a path as ``open_pairs`` takes it or from Python data, as in
    ``labels_from``: a tuple ``(first, second, scores)``, a list of ``(first, second, score)``, …
    """
    if isinstance(data, TextPairs):
        return data
    return open_pairs(**_inputs(data, "source", name, options, partial(table_of, fields=_PAIRS)))


def tags_from(
    data: object,
    *,
    name: str = "tags",
    words_column: str | None = None,
    tags_column: str | None = None,
    **options: Any,
) -> TaggedSentences:
    """Tagged sentences, from a path as ``open_tags`` takes it or from Python data.

    Python data is a list of sentences, each a list of ``(word, tag)``; a tuple ``(words, tags)``
    of lists of lists; or a table as in ``labels_from`` with a column of lists of words (``words``
    or ``tokens``, else ``words_column``) and one of lists of tags (``tags``, ``ner_tags``, …, else
    ``tags_column``). Numbers of a dataset's ``ClassLabel`` become their names.
    """
    if isinstance(data, TaggedSentences):
        return data

    def table(part: object, label: str, max_bytes: int) -> Table:
        table = table_of(_tag_columns(part), label, max_bytes, _TAGS)
        return _tags_table(table, words_column, tags_column, _class_names(part))

    return open_tags(**_inputs(data, "source", name, options, table))


def texts_from(
    data: object, *, name: str = "texts", max_text_bytes: int = MAX_TEXT_BYTES, **options: Any
) -> Texts:
    """Texts, from a path (a string, or Path objects) as ``open_texts`` takes it, or Python data.

    Python data is a list, array or Series of strings, an iterator over them (read once), or a table
    as in ``labels_from``, whose column ``text``, ``sentence``, the only one or ``column`` is read.
    ``options`` are those of ``open_texts``. Raises TextError as it does, and for a list of strings
    that are all names of files.
    """
    if isinstance(data, Texts):
        return data
    paths = _paths(data)
    if paths is not None and (isinstance(data, str) or not _are_strings(data)):
        return open_texts(paths, max_text_bytes=max_text_bytes, **options)
    if paths and all(map(os.path.isfile, paths)):
        raise TextError(
            f"{name}: found a list of {len(paths)} strings that are names of files; to read the "
            "files, give Path objects; to read the names as texts, give a dict: {'text': […]}"
        )
    return open_texts([_MemorySource(data, name, max_text_bytes)], **options)


@dataclass(frozen=True, slots=True)
class _MemorySource:
    """Texts in memory, as a source for ``Texts``."""

    data: Any
    label: str
    max_bytes: int

    @property
    def repeatable(self) -> bool:
        return not isinstance(self.data, Iterator)

    def check(self) -> None:
        if not self._is_table:
            check_container(self.data)

    def table(self, optional: Sequence[str] = ()) -> Table:
        data = self.data if self._is_table else {"text": self.data}
        return table_of(data, self.label, self.max_bytes, ("text", "split"))

    def types(self, names: Sequence[str]) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        import pyarrow as pa  # noqa: PLC0415 - texts alone are read without it

        table = self.table()
        columns = [known_column(table.names, name, self.label) for name in names]
        rows = [values for _, values in table.rows(columns)]
        kinds = kinds_of(rows, names)
        types: dict[str, Any] = {}
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            try:
                types[name] = pa.array(values).type
            except pa.ArrowException:
                types[name] = kinds[name]
        return types

    def count(self) -> int | None:
        return len(self.data) if hasattr(self.data, "__len__") and not self._is_table else None

    @property
    def _is_table(self) -> bool:
        records = isinstance(self.data, list) and self.data and isinstance(self.data[0], Mapping)
        return bool(records) or isinstance(self.data, Mapping) or is_table(self.data)


def _inputs(
    data: object,
    parameter: str,
    name: str,
    options: Mapping[str, Any],
    make_table: Callable[[object, str, int], Table],
) -> dict[str, Any]:
    """The arguments of an ``open_…`` function, with Python data as tables."""
    max_bytes = options.get("max_text_bytes", MAX_TEXT_BYTES)

    def inputs(part: object, label: str) -> Sequence[Input]:
        paths = _paths(part)
        return [make_table(part, label, max_bytes)] if paths is None else paths

    splits = _by_split(data, name)
    given = {split: options[split] for split in ("dev", "test") if options.get(split) is not None}
    if given and len(splits) > 1:
        raise TextError(
            f"{name}: found the splits {listed_columns([*splits])} and {', '.join(given)}=…, "
            "expected each split once"
        )
    arguments = {
        **options,
        **{split: inputs(part, f"{name} ({split})") for split, part in given.items()},
    }
    for split, part in splits.items():
        key = parameter if split in ("", "train") else split
        arguments[key] = inputs(part, f"{name} ({split})" if len(splits) > 1 else name)
    return arguments


def _by_split(data: object, name: str) -> Mapping[str, object]:
    """The tables of a dict by split; what is none, under ""."""
    if not (isinstance(data, Mapping) and data and all(map(is_table, data.values()))):
        return {"": data}
    splits = {find_split(key) or str(key): table for key, table in data.items()}
    if "train" not in splits or not splits.keys() <= SPLIT_NAMES.keys():
        raise TextError(
            f"{name}: found the splits {listed_columns([*map(str, data)])}, expected train, and "
            "dev (validation) or test; name one of the tables"
        )
    return splits


def _paths(data: object) -> list[str] | None:
    """The paths or ``hf:…`` that are named; None of what is data."""
    if isinstance(data, str | PurePath):
        return [str(data)]
    if not isinstance(data, list | tuple) or not data:
        return None
    are_paths = all(isinstance(item, str | PurePath) for item in data)
    return [str(item) for item in data] if are_paths else None


def _are_strings(data: object) -> bool:
    return isinstance(data, Iterable) and all(isinstance(item, str) for item in data)


def _tag_columns(data: object) -> object:
    """Columns of words and tags, where the data is a list of lists of (word, tag)."""
    if not isinstance(data, list) or not all(isinstance(sentence, list) for sentence in data):
        return data
    for row, sentence in enumerate(data):
        for item in sentence:
            if not isinstance(item, tuple | list) or len(item) != 2:
                raise TextError(f"tags, row {row}: found {item!r:.40}, expected (word, tag)")
    return {
        "words": [[word for word, _ in sentence] for sentence in data],
        "tags": [[tag for _, tag in sentence] for sentence in data],
    }


def _class_names(data: Any) -> Mapping[str, Sequence[str]]:
    """The names of a dataset's class labels, by column of lists of them."""
    features = getattr(data, "features", None)
    if not isinstance(features, Mapping):
        return {}
    return {
        name: feature.feature.names
        for name, feature in features.items()
        if hasattr(getattr(feature, "feature", None), "names")
    }


def _tags_table(
    table: Table,
    words_column: str | None,
    tags_column: str | None,
    class_names: Mapping[str, Sequence[str]],
) -> Table:
    """The table with its columns called ``words``, ``tags`` and ``split``."""
    named = {"words": words_column, "tags": tags_column, "split": None}
    columns: dict[str, str] = {}
    for role, column in named.items():
        if column is not None:
            columns[role] = known_column(table.names, column, table.label)
        elif (guess := guess_column(table.names, role)) is not None:
            columns[role] = guess
        elif role != "split":
            raise TextError(
                f"{table.label}: cannot tell which column holds the {role}; it has "
                f"{listed_columns(table.names)}; name it with {role}_column=…"
            )
    names = class_names.get(columns["tags"])

    def rows(roles: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        for number, values in table.rows([columns[role] for role in roles]):
            fields = dict(zip(roles, values, strict=True))
            tags = fields.get("tags")
            if names is not None and isinstance(tags, list):
                fields["tags"] = [names[tag] for tag in tags]
            yield number, [fields[role] for role in roles]

    return Table(table.label, [*columns], rows, unit="row", in_memory=True)
