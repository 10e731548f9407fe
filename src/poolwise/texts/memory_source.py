"""Texts in memory as a source, beside files and hub datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poolwise.inputs import check_container
from poolwise.texts.columns import Table, known_column
from poolwise.texts.extra_columns import ValueKind, kinds_of
from poolwise.texts.file_identity import in_memory
from poolwise.texts.memory import is_table, table_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class MemorySource:
    """A list, array, Series or iterator of strings, or a table with a column of texts. A row has at
    most ``max_bytes``."""

    data: Any
    label: str
    max_bytes: int

    @property
    def repeatable(self) -> bool:
        return not isinstance(self.data, Iterator)

    def check(self) -> None:
        if not self._is_table:
            check_container(self.data)

    def table(self, optional: Sequence[str] = (), *, lenient: bool = False) -> Table:
        data = self.data if self._is_table else {"text": self.data}
        return table_of(data, self.label, self.max_bytes, ("text", "split"))

    def types(
        self, names: Sequence[str], *, lenient: bool = False
    ) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
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

    def identity(self) -> Mapping[str, Any]:
        raise in_memory(self.label)

    @property
    def _is_table(self) -> bool:
        records = isinstance(self.data, list) and self.data and isinstance(self.data[0], Mapping)
        return bool(records) or isinstance(self.data, Mapping) or is_table(self.data)
