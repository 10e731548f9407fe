"""Data sets from what a Python caller has: paths, frames, Arrow tables, datasets, lists."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Table, listed_columns
from poolwise.texts.datasets import LabelledTexts, TaggedSentences, TextPairs
from poolwise.texts.labels import open_labels
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.memory import is_table, table_of
from poolwise.texts.memory_source import MemorySource
from poolwise.texts.pairs import open_pairs
from poolwise.texts.split_names import SPLIT_NAMES, find_split
from poolwise.texts.tables import Input
from poolwise.texts.tag_tables import tags_table
from poolwise.texts.tags import open_tags
from poolwise.texts.texts import Texts, open_texts

_LABELS = ("text", "label", "split")
_PAIRS = ("sentence1", "sentence2", "score", "split")


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

    columns = {"words": words_column, "tags": tags_column}
    return open_tags(**_inputs(data, "source", name, options, partial(tags_table, columns=columns)))


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
    paths = paths_of(data)
    if paths is not None and (isinstance(data, str) or not _are_strings(data)):
        return open_texts(paths, max_text_bytes=max_text_bytes, **options)
    if paths and all(map(os.path.isfile, paths)):
        raise TextError(
            f"{name}: found a list of {len(paths)} strings that are names of files; to read the "
            "files, give Path objects; to read the names as texts, give a dict: {'text': […]}"
        )
    return open_texts([MemorySource(data, name, max_text_bytes)], **options)


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
        paths = paths_of(part)
        return [make_table(part, label, max_bytes)] if paths is None else paths

    splits = _by_split(data, name)
    explicit = {
        split: options[split] for split in ("dev", "test") if options.get(split) is not None
    }
    if explicit and len(splits) > 1:
        raise TextError(
            f"{name}: found the splits {listed_columns([*splits])} and {', '.join(explicit)}=…, "
            "expected each split once"
        )
    arguments = {
        **options,
        **{split: inputs(part, f"{name} ({split})") for split, part in explicit.items()},
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


def paths_of(data: object) -> list[str] | None:
    """The paths or ``hf:…`` that are named; None of what is data."""
    if isinstance(data, str | PurePath):
        return [str(data)]
    if not isinstance(data, list | tuple) or not data:
        return None
    are_paths = all(isinstance(item, str | PurePath) for item in data)
    return [str(item) for item in data] if are_paths else None


def _are_strings(data: object) -> bool:
    return isinstance(data, Iterable) and all(isinstance(item, str) for item in data)
