"""The columns of a part, as its plan writes them down and its file has them."""

from __future__ import annotations

import re

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

_ITEM = re.compile(r"<(?:item|element): ")
"""What the values of lists are called depends on the version of Arrow."""


def column_types(schema: pa.Schema) -> dict[str, str]:
    """The columns and what Arrow calls their types once they have been in Parquet, in order:
    ``{"id": "int64", "mean@-1": "fixed_size_list<float>[384]", …}``."""
    file = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), file)
    return types_in_file(pq.read_schema(pa.BufferReader(file.getvalue())))


def types_in_file(schema: pa.Schema) -> dict[str, str]:
    """The same of the schema of a Parquet file."""
    return {field.name: _ITEM.sub("<", str(field.type)) for field in schema}
