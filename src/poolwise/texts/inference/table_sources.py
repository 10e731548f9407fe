"""The tables that data hold, by split: files, folders, hub datasets, Python's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from poolwise.errors import TextError, listed
from poolwise.inputs import describe
from poolwise.texts.column_names import has_known_names
from poolwise.texts.columns import Table
from poolwise.texts.fields import is_number
from poolwise.texts.files import STDIN, TextFile
from poolwise.texts.hub import hub_splits
from poolwise.texts.hub_address import PREFIX, is_dataset
from poolwise.texts.memory import is_table, table_of
from poolwise.texts.sources import FORMATS
from poolwise.texts.split_names import find_split
from poolwise.texts.tables import open_table

PREVIEW_ROWS = 10_000
"""Rows of a table that are looked at."""

_WORDS_OF_HEADER = 3
"""Words that a column's name has at most, where nothing else tells a header."""

_SAVED = ("dataset_dict.json", "state.json")
"""Files of what ``save_to_disk`` of datasets wrote."""

_MAX_FILES = 10_000

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table: ``data`` is a path or a Python object, ``open`` gives all of its rows, and
    ``preview`` some from all over it, where it can be read at any row; they are the ``whole`` of
    it, or not. ``from_file``: the path can be opened again.

    ``class_names`` are those of the columns that hold their numbers.
    """

    label: str
    data: object
    open: Callable[[], Table]
    preview: Callable[[], Table]
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    from_file: bool = False
    whole: bool = True


def file_source(path: str, encoding: str, max_bytes: int) -> TableSource:
    """The table in a file, or in standard input."""
    file = TextFile(path, encoding, max_bytes)

    def opened() -> Table:
        return open_table(path, encoding, looks_like_header, max_bytes)

    if path != STDIN and file.repeatable:
        return TableSource(file.label, path, opened, opened, from_file=True)
    table = _buffered(opened())
    return TableSource(file.label, path, lambda: table, lambda: table)


def memory_source(data: Any, label: str, max_bytes: int, *, in_memory: bool = True) -> TableSource:
    """The table that Python's data hold; a dataset's class labels get their names."""
    data = _with_names(data)
    if not is_table(data) and not isinstance(data, Mapping | list):
        raise TextError(
            f"{label}: found {describe(data)}, expected a path, a frame, a dataset, a dict of "
            "columns, or a list of rows"
        )

    def opened(rows: object) -> Table:
        return replace(table_of(rows, label, max_bytes, ()), in_memory=in_memory)

    return TableSource(
        label,
        data,
        lambda: opened(data),
        lambda: opened(_thinned(data)),
        _class_names(data),
        whole=_n_rows(data) <= PREVIEW_ROWS,
    )


def split_sources(
    data: object, name: str, encoding: str, max_bytes: int
) -> tuple[dict[str, TableSource], list[str]]:
    """The tables of ``data`` by split, under "" what says none; and remarks on what is left out.

    Raises TextError for what holds no table.
    """
    if isinstance(data, str | PurePath):
        path = str(data)
        folder = Path(path).expanduser()
        if is_dataset(path):
            name, data = path, hub_splits(path)
        elif path != STDIN and folder.is_dir():
            _check_folder(folder, path)
            name, data = folder.name, hub_splits(f"{PREFIX}{folder.resolve()}")
        else:
            return {"": file_source(path, encoding, max_bytes)}, []
        in_memory = False
    else:
        in_memory = True
    if isinstance(data, Mapping) and data and all(map(is_table, data.values())):
        return declared_splits(data, name, max_bytes, in_memory=in_memory)
    return {"": memory_source(data, name, max_bytes, in_memory=in_memory)}, []


def _check_folder(folder: Path, path: str) -> None:
    """Raises TextError for a folder that holds no data set."""
    files = sorted(entry for entry in folder.rglob("*") if entry.is_file())
    if any(file.name in _SAVED or file.suffix.lower() in FORMATS for file in files[:_MAX_FILES]):
        return
    names = listed((file.name for file in files), limit=5) or "nothing"
    raise TextError(
        f"{path} is a folder without a data set: found {names}, expected tables (.csv, .tsv, "
        ".jsonl, .parquet), what save_to_disk of datasets wrote, or corpus.jsonl, queries.jsonl "
        "and qrels; for files of one label each say --labels NAME=FILE for each of them"
    )


def declared_splits(
    tables: Mapping[Any, object], name: str, max_bytes: int, *, in_memory: bool = False
) -> tuple[dict[str, TableSource], list[str]]:
    known = {split: key for key in tables if (split := find_split(str(key)))}
    if len(tables) == 1:
        known = {"": next(iter(tables))}
    if not known:
        raise TextError(
            f"{name}: found the splits {listed(map(str, tables), repr)}, expected train, dev "
            "(validation) or test; give one of them alone"
        )
    others = [str(key) for key in tables if key not in known.values()]
    remarks = [f"the splits {listed(others, repr)} are left out"] * bool(others)
    sources = {
        split: memory_source(
            tables[known[split]],
            f"{name} ({split})" if split else name,
            max_bytes,
            in_memory=in_memory,
        )
        for split in ("", *SPLITS)
        if split in known
    }
    return sources, remarks


def looks_like_header(fields: Sequence[str], file_format: str) -> bool:
    """Is a file's first row a header? Not where a field is a number, unless all of them count from
    0 as names that nobody gave; in TSV nor where one is a text, unless others have known names."""
    filled = [name for name in fields if name.strip()]
    if [*map(str, range(len(filled)))] == filled:
        return len(filled) > 1
    if any(map(is_number, filled)):
        return False
    if has_known_names(fields):
        return True
    if file_format == "csv":
        return True
    return len(fields) > 1 and all(len(name.split()) <= _WORDS_OF_HEADER for name in fields)


def _buffered(table: Table) -> Table:
    """The table with all of its rows in memory, for what can be read once only."""
    names = [*dict.fromkeys(table.names)]
    rows = [*table.rows(names)] if names else []

    def selected(columns: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        places = [names.index(column) for column in columns]
        for number, values in rows:
            yield number, [values[place] for place in places]

    return replace(table, rows=selected)


def _class_names(data: Any) -> Mapping[str, Sequence[str]]:
    """The names of a dataset's class labels, also those of lists of them, by column."""
    features = getattr(data, "features", None)
    if not isinstance(features, Mapping):
        return {}
    labels: dict[str, Any] = {
        name: getattr(feature, "feature", feature) for name, feature in features.items()
    }
    return {name: label.names for name, label in labels.items() if hasattr(label, "names")}


def _with_names(data: Any) -> Any:
    """A tuple of columns, or a list of rows, of texts or of numbers, with columns called 1, 2, …"""
    if isinstance(data, tuple):
        return {str(place): column for place, column in enumerate(data, 1)}
    if isinstance(data, list) and data:
        if all(isinstance(row, str) for row in data):
            return {"text": data}
        width = len(data[0]) if isinstance(data[0], tuple | list) else 0
        if width and all(isinstance(row, tuple | list) and len(row) == width for row in data):
            return {
                str(place): [*column] for place, column in enumerate(zip(*data, strict=True), 1)
            }
    if not is_table(data) and hasattr(data, "tolist"):
        return {"text": data}
    return data


def _thinned(data: Any) -> Any:
    """Every so many rows, where data can be read at any row: what is sorted by its labels has few
    of them in its first rows."""
    rows = _n_rows(data)
    step = -(-rows // PREVIEW_ROWS)
    if step <= 1:
        return data
    if isinstance(data, Mapping):
        return {name: column[::step] for name, column in data.items()}
    if isinstance(data, list):
        return data[::step]
    if hasattr(data, "gather_every"):
        return data.gather_every(step)
    every = range(0, rows, step)
    if hasattr(data, "iloc"):
        return data.iloc[every]
    return data.select(every) if hasattr(data, "select_columns") else data.take(every)


def _n_rows(data: Any) -> int:
    """The number of rows; 0 of what cannot be read at any row."""
    if isinstance(data, Mapping):
        columns = [*data.values()]
        sliced = all(
            hasattr(column, "__getitem__") and hasattr(column, "__len__") for column in columns
        )
        return len(columns[0]) if columns and sliced else 0
    thinned = any(hasattr(data, name) for name in ("iloc", "select", "gather_every", "take"))
    return len(data) if hasattr(data, "__len__") and (thinned or isinstance(data, list)) else 0
