"""What callers give: a model by name, folder or object; data of each kind in any container."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from poolwise.errors import OptionError
from poolwise.model import Model, load
from poolwise.texts import (
    Datasets,
    LabelKind,
    LabelledTexts,
    Texts,
    labels_from,
    pairs_from,
    tags_from,
    texts_from,
)
from poolwise.texts.limits import MAX_TEXT_BYTES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How data are read: the options of the command line of the same names.

    ``limit`` rows of each input at most, drawn by ``seed`` (the first ones where it is None); None
    reads all. ``dev`` and ``test`` are data of the same kind, for the one set of pairs, labels or
    tags that is given. ``columns`` are those of pairs. ``max_text_bytes`` bounds one row.
    """

    limit: int | None = None
    seed: int | None = 0
    dev: object = None
    test: object = None
    columns: Sequence[str] | None = None
    text_column: str | None = None
    label_column: str | None = None
    encoding: str = "utf-8"
    max_text_bytes: int = MAX_TEXT_BYTES


def as_model(
    model: Model | str | Path, prompt: str | None = None, prompt_name: str | None = None
) -> Model:
    """The model itself, or what ``load`` gives for its name or folder; with the prompt, if any."""
    loaded = model if isinstance(model, Model) else load(model)
    return loaded.prompted(prompt, prompt_name)


def as_datasets(
    *, pairs: object, labels: object, tags: object, texts: object, options: ReadOptions
) -> Datasets:
    """Data sets of each kind that is not None.

    Each is one set, in a form that ``texts.labels_from`` and its siblings take, or a list of
    several sets (frames, data sets, paths). Raises OptionError where ``dev`` or ``test`` could
    belong to several sets, TextError as those functions do.
    """
    table = {
        "pairs": _sets(pairs),
        "labels": _sets(labels),
        "tags": _sets(tags),
    }
    n_tables = sum(map(len, table.values()))
    if (options.dev is not None or options.test is not None) and n_tables != 1:
        raise OptionError(
            f"dev and test belong to one set of data; there are {n_tables} (pairs, labels, tags)"
        )
    read: dict[str, Any] = {
        "limit": options.limit,
        "seed": options.seed,
        "max_text_bytes": options.max_text_bytes,
        "encoding": options.encoding,
    }
    split: dict[str, Any] = {"dev": options.dev, "test": options.test, **read}
    return Datasets(
        pairs=_each(pairs_from, table["pairs"], columns=options.columns, **split),
        labels=_each(
            labels_from,
            table["labels"],
            text_column=options.text_column,
            label_column=options.label_column,
            **split,
        ),
        tags=_each(tags_from, table["tags"], **split),
        texts=_each(texts_from, _texts(texts), column=options.text_column, **read),
    )


def _each(read: Callable[..., T], sets: Sequence[object], **options: Any) -> list[T]:
    given = {name: value for name, value in options.items() if value is not None or name == "seed"}
    return [read(data, **given) for data in sets]


def read_labels(labels: object, kind: LabelKind, options: ReadOptions) -> LabelledTexts:
    """One set of labelled texts, for a classifier of this kind."""
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    del given["columns"]
    return _each(labels_from, [labels], kind=kind, **given)[0]


def _texts(data: object) -> list[object]:
    """A list of strings is one set of texts."""
    several = isinstance(data, list) and data and all(isinstance(item, Texts) for item in data)
    return _sets(data) if data is None or several else [data]


def _sets(data: object) -> list[object]:
    """Several sets where a list holds paths, frames or data sets; else one, or none."""
    if data is None:
        return []
    if isinstance(data, list) and data and not isinstance(data[0], tuple | list | dict):
        return list(data)
    return [data]
