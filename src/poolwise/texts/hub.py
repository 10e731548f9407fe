"""Hugging Face datasets, streamed: from the hub, or from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from poolwise.errors import TextError, listed, needs
from poolwise.texts.bad_values import bounded
from poolwise.texts.columns import MISSING, Table, field_paths, find_value, known_column
from poolwise.texts.extra_columns import ValueKind, kinds_of
from poolwise.texts.hub_address import address_parts, dataset_folder
from poolwise.texts.hub_identity import folder_version, hub_version
from poolwise.texts.limits import MAX_TEXT_BYTES, check_fields, check_limit

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

DEFAULT_SPLIT = "train"

_PARQUET_EXPORT = "refs/convert/parquet"
"""Where the hub keeps its Parquet copy of datasets that are scripts (bookcorpus is one)."""


@dataclass(frozen=True)
class HubDataset:
    """``hf:NAME``, ``hf:NAME:SPLIT`` or ``hf:NAME:CONFIG:SPLIT``; the split is else ``train``.

    A NAME that begins with ``.``, ``/``, ``~`` or a drive as in Windows is a folder: one that
    ``save_to_disk`` wrote, or one that holds Parquet, CSV or JSON files. Any other is looked for on
    the hub, as in ``hf:bookcorpus``, ``hf:imdb:test``, ``hf:nyu-mll/glue:sst2:validation``. What is
    read of a row may have ``max_bytes`` bytes.
    """

    label: str
    max_bytes: int = MAX_TEXT_BYTES
    repeatable = True

    def __getstate__(self) -> dict[str, Any]:
        """Without the open dataset, which another process opens again."""
        return {"label": self.label, "max_bytes": self.max_bytes}

    def check(self) -> None:
        """Raise TextError unless the address makes sense and a folder it names is there."""
        check_limit(self.max_bytes)
        name, _, _ = self._address
        folder = dataset_folder(name)
        if folder is not None and not folder.is_dir():
            raise TextError(f"{self.label}: no such folder: {name}")

    def table(self, optional: Sequence[str] = (), *, lenient: bool = False) -> Table:
        """The split: its columns, the fields within them, and its rows in order."""
        with self.reading():
            names = field_paths(self._dataset.features or next(iter(self._dataset), {}))
            row_count = self._dataset.__len__ if hasattr(self._dataset, "__len__") else None

        def rows_from(names: Sequence[str], first: int) -> Iterator[tuple[int, Sequence[object]]]:
            return self._rows(names, first, lenient=lenient)

        return Table(
            self.label,
            names,
            lambda names: rows_from(names, 0),
            unit="row",
            rows_from=rows_from,
            row_count=row_count,
        )

    def types(
        self, names: Sequence[str], *, lenient: bool = False
    ) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        """As the dataset says them; found out from all its rows where it does not."""
        known = self.table().names
        for name in names:
            known_column(known, name, self.label)
        with self.reading():
            features = self._dataset.features
        if features is None:
            return kinds_of((values for _, values in self._rows(names, lenient=lenient)), names)
        return {name: _type_of(features.arrow_schema, name) for name in names}

    def count(self) -> int | None:
        """The number of rows, where the dataset says it."""
        with self.reading():
            if hasattr(self._dataset, "__len__"):
                return len(self._dataset)
            splits = self._dataset.info.splits or {}
        split = splits.get(self._address[2] or DEFAULT_SPLIT)
        return None if split is None else split.num_examples

    def identity(self) -> Mapping[str, Any]:
        """``name`` (a folder's full path), ``config``, ``split``, ``rows`` where they are known,
        and the ``fingerprint`` of what lies in a folder or the hub's ``commit``. Raises TextError
        as ``table``."""
        name, config, split = self._address
        folder, rows = dataset_folder(name), self.count()
        split = split or DEFAULT_SPLIT
        with self.reading():
            if folder is None:
                version = hub_version(name)
            else:
                name, version = str(folder.resolve()), folder_version(folder, split)
        return {"name": name, "config": config, "split": split, "rows": rows, **version}

    def _rows(
        self, columns: Sequence[str], first: int = 0, *, lenient: bool = False
    ) -> Iterator[tuple[int, Sequence[object]]]:
        with self.reading():
            names = self._dataset.column_names
            roots = names and [
                name for name in names if any(_within(name, column) for column in columns)
            ]
            rows = self._dataset.select_columns(roots) if roots else self._dataset
            if hasattr(rows, "__len__") and first >= len(rows):  # skip refuses its length
                return
            for row, record in enumerate(rows.skip(first) if first else rows, first):
                values = [find_value(record, column) for column in columns]
                if lenient:
                    values = bounded(values, self.max_bytes)
                else:
                    check_fields(f"{self.label}, row {row}", values, self.max_bytes)
                yield row, [None if value is MISSING else value for value in values]

    @property
    def _address(self) -> tuple[str, str | None, str | None]:
        """Name, config, split."""
        match address_parts(self.label):
            case [name] if name:
                return name, None, None
            case [name, split] if name and split:
                return name, None, split
            case [name, config, split] if name and config and split:
                return name, config, split
        raise TextError(
            f"found {self.label!r}, expected hf:NAME, hf:NAME:SPLIT or hf:NAME:CONFIG:SPLIT"
        )

    @cached_property
    def _dataset(self) -> Any:
        datasets = dataset_library(self.label)
        name, config, split = self._address
        folder = dataset_folder(name)
        if folder is None:
            return _from_hub(datasets, name, config, split or DEFAULT_SPLIT)
        if (folder / "dataset_dict.json").exists():
            saved = datasets.load_from_disk(str(folder))
            if (split or DEFAULT_SPLIT) not in saved:
                raise TextError(f"{self.label}: found the splits {listed(saved)}; name one")
            return saved[split or DEFAULT_SPLIT]
        if (folder / "state.json").exists():
            return datasets.load_from_disk(str(folder))
        return datasets.load_dataset(
            str(folder), config, split=split or DEFAULT_SPLIT, streaming=True
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise TextError for the errors of reading it."""
        errors = dataset_library(self.label).exceptions
        try:
            yield
        except (OSError, ValueError, RuntimeError, errors.DatasetsError) as error:
            raise TextError(f"cannot read {self.label}: {error}") from error


def _within(name: str, columns: str) -> bool:
    """Is the column ``name``, or a field within it, what was asked for?"""
    return columns == name or columns.startswith(f"{name}.")


def _type_of(schema: pa.Schema, columns: str) -> pa.DataType:
    root = (
        columns if columns in schema.names else next(n for n in schema.names if _within(n, columns))
    )
    values = schema.field(root).type
    for key in columns.removeprefix(root).split(".")[1:]:
        values = values.field(key).type
    return values


def _from_hub(datasets: Any, name: str, config: str | None, split: str) -> Any:
    try:
        return datasets.load_dataset(name, config, split=split, streaming=True)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
    return datasets.load_dataset(
        name, data_dir=config, split=split, streaming=True, revision=_PARQUET_EXPORT
    )


def dataset_library(label: str) -> Any:
    """The module ``datasets``. Raises MissingExtraError, naming ``label``, without it."""
    with needs("data", label):
        import datasets  # noqa: PLC0415
    return datasets


def hub_splits(label: str) -> Mapping[str, Any]:
    """The datasets of ``hf:NAME`` by their splits, and of ``hf:NAME:CONFIG`` where the dataset has
    this configuration; of an address that names a split, this one under "".

    From the hub, or its cache where there is no connection; from a folder of files, or one that
    ``save_to_disk`` wrote. Raises TextError where there is nothing to read.
    """
    library, dataset = dataset_library(label), HubDataset(label)
    dataset.check()
    name, config, split = dataset._address
    with dataset.reading():
        may_be_config = split is not None and config is None and dataset_folder(name) is None
        if may_be_config and split in library.get_dataset_config_names(name):
            config, split = split, None
        tables = _all_splits(library, name, config)
    if split is None:
        return tables
    if split not in tables:
        raise TextError(f"{label}: found the splits {listed(tables)}; name one")
    return {"": tables[split]}


def _all_splits(library: Any, name: str, config: str | None) -> Mapping[str, Any]:
    folder = dataset_folder(name)
    if folder is not None and (folder / "dataset_dict.json").is_file():
        return dict(library.load_from_disk(str(folder)))
    if folder is not None and (folder / "state.json").is_file():
        return {"": library.load_from_disk(str(folder))}
    path = name if folder is None else str(folder)
    try:
        return dict(library.load_dataset(path, config, streaming=True))
    except ConnectionError:  # what is in the cache is read without the hub
        return dict(library.load_dataset(path, config))
