"""What callers give: a model by name, folder or object; data of each kind in any container."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from poolwise.errors import OptionError, listed
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
from poolwise.texts.memory import is_table

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


def read_options(seed: int, options: Mapping[str, Any]) -> ReadOptions:
    """The ReadOptions of these keyword arguments. Raises OptionError for others."""
    names = [field.name for field in fields(ReadOptions) if field.name != "seed"]
    if unknown := [name for name in options if name not in names]:
        raise OptionError(
            f"unknown option {listed(unknown)}; data are read with the options {', '.join(names)}"
        )
    return ReadOptions(seed=seed, **options)


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
    sets = {"pairs": _sets(pairs), "labels": _sets(labels), "tags": _sets(tags)}
    n_sets = sum(map(len, sets.values()))
    if (options.dev is not None or options.test is not None) and n_sets != 1:
        raise OptionError(
            f"dev and test belong to one set of data; there are {n_sets} (pairs, labels, tags)"
        )
    splits = _reading(options) | {"dev": options.dev, "test": options.test}
    return Datasets(
        pairs=_read(pairs_from, "pairs", sets["pairs"], splits | {"columns": options.columns}),
        labels=_read(labels_from, "labels", sets["labels"], splits | _label_columns(options)),
        tags=_read(tags_from, "tags", sets["tags"], splits),
        texts=_read(
            texts_from,
            "texts",
            _text_sets(texts),
            _reading(options) | {"column": options.text_column},
        ),
    )


def check_score(score: str | None, datasets: Datasets) -> None:
    """Raises OptionError for what is no score of labels, and for a score without labels."""
    if score is None:
        return
    from poolwise.selection.label_scores import score_named  # noqa: PLC0415 - slow to import

    score_named(score)
    if not datasets.labels:
        raise OptionError(f"score is {score!r:.60}, but no labels are given; pairs have their own")


def read_labels(labels: object, kind: LabelKind, options: ReadOptions) -> LabelledTexts:
    """One set of labelled texts, for a classifier of this kind."""
    splits = {"dev": options.dev, "test": options.test, "kind": kind}
    arguments = _reading(options) | _label_columns(options) | splits
    return _read(labels_from, "labels", [labels], arguments)[0]


def _reading(options: ReadOptions) -> dict[str, Any]:
    return {
        "limit": options.limit,
        "seed": options.seed,
        "max_text_bytes": options.max_text_bytes,
        "encoding": options.encoding,
    }


def _label_columns(options: ReadOptions) -> dict[str, Any]:
    return {"text_column": options.text_column, "label_column": options.label_column}


def _read(
    read: Callable[..., T], kind: str, sets: Sequence[object], arguments: Mapping[str, Any]
) -> list[T]:
    """Each set; several of Python data are called ``labels 1``, ``labels 2``, …"""
    options = {k: value for k, value in arguments.items() if value is not None or k == "seed"}
    names = [kind] if len(sets) == 1 else [f"{kind} {i}" for i in range(1, len(sets) + 1)]
    return [read(data, name=name, **options) for data, name in zip(sets, names, strict=True)]


def _sets(data: object) -> list[object]:
    """Several sets where a list holds tables or paths; else one, or none.

    Rows in a list are one set, and so are files of one label (``LABEL=FILE``).
    """
    if data is None:
        return []
    if not isinstance(data, list) or not data or _is_row(data[0]):
        return [data]
    labelled = [item for item in data if _is_labelled_file(item)]
    tables = [item for item in data if not _is_labelled_file(item)]
    return [labelled, *tables] if labelled else tables


def _is_row(item: object) -> bool:
    """A list or dict, or a tuple that does not begin with a column."""
    if isinstance(item, tuple):
        return not item or isinstance(item[0], str | tuple) or not isinstance(item[0], Iterable)
    return isinstance(item, list | dict)


def _is_labelled_file(item: object) -> bool:
    return isinstance(item, str) and "=" in item and not Path(item).exists()


def _text_sets(data: object) -> list[object]:
    """Several sets where a list holds tables; a list of strings, paths or rows is one."""
    if data is None:
        return []
    if isinstance(data, list) and data and all(map(_is_text_set, data)):
        return list(data)
    return [data]


def _is_text_set(item: object) -> bool:
    return isinstance(item, Texts) or (is_table(item) and not isinstance(item, dict))
