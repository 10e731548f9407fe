"""Pairs of texts that people have scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column, guess_sides
from poolwise.texts.columns import Table, column_at, listed_columns
from poolwise.texts.datasets import TextPairs
from poolwise.texts.fields import as_filled_text, as_score, is_missing, is_number
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.sampling import as_limit
from poolwise.texts.semeval import is_semeval, read_semeval
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import (
    Input,
    Inputs,
    Row,
    by_split,
    gather,
    joined_names,
    open_table,
    rows_hash,
)


@dataclass(frozen=True, slots=True)
class _PairColumns:
    first: str
    second: str
    score: str
    subset: str | None = None
    split: str | None = None


_STS_FIELDS = 7
"""Fields of the STS Benchmark; some lines have more, which say where the texts are from."""

_WITHOUT_HEADER = {
    3: _PairColumns("1", "2", "3"),
    _STS_FIELDS: _PairColumns("6", "7", "5", subset="2"),
}
"""By the number of fields."""


def open_pairs(
    source: Inputs,
    *,
    dev: Inputs | None = None,
    test: Inputs | None = None,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> TextPairs:
    """The scored pairs of ``source``, in memory.

    A source is a file with a header (CSV, TSV, JSON Lines, Parquet; ``.gz``, ``.bz2``, ``.xz``
    and ``.zst`` are decompressed), ``-`` for standard input, ``hf:NAME[[:CONFIG]:SPLIT]``, a file
    of the STS Benchmark, a TSV of first, second and score without a header, a folder of
    SemEval's (``STS.input.NAME.txt`` beside ``STS.gs.NAME.txt``), or a table in memory.

    ``columns`` names the first text, the second and the score, or numbers them from 1; else they
    are known by their usual names. A column ``subset`` is read too, and ``split`` (train, dev or
    validation, test), unless ``dev`` or ``test`` say where those splits are: then ``source`` is
    for training. Of each source at most ``limit`` rows, drawn by ``seed`` so that every subset
    keeps its share; the first rows where ``seed`` is None. Rows with an empty side or without a
    score are left out; ``notes`` count them.

    Raises TextError where a source or column is not there or cannot be told, where it holds no
    whole row, and at the first row where texts and score are something else, or that has more than
    ``max_text_bytes``.
    """
    if columns is not None and (isinstance(columns, str) or len(columns) != 3):
        raise TextError(f"found the columns {columns!r}, expected three: FIRST,SECOND,SCORE")
    inputs = by_split(source, dev, test)
    gathered = gather(
        inputs,
        lambda name, omitted: _read(name, columns, encoding, omitted, max_text_bytes),
        as_limit(limit, seed),
        label=lambda row: row[3],
    )
    first, second, scores, subsets, splits = zip(*gathered.rows, strict=True)
    return TextPairs(
        joined_names(inputs),
        first,
        second,
        np.array(scores, np.float64),
        subsets,
        splits,
        rows_hash(gathered.rows),
        gathered.notes,
        gathered.samples,
    )


def _read(
    source: Input,
    names: Sequence[str] | None,
    encoding: str,
    omitted: OmittedRows,
    max_bytes: int,
) -> Iterator[Row]:
    if isinstance(source, str) and is_semeval(source):
        for row in read_semeval(source, encoding, omitted, max_bytes):
            yield *row, ""
        return
    table = open_table(source, encoding, lambda fields, _: _is_header(fields, names), max_bytes)
    if not table.names:
        return
    columns = _find_columns(table, names)
    omitted.unit, omitted.source_note = table.unit, table.note
    for number, values in table.rows([name for name in astuple(columns) if name is not None]):
        location = table.location(number)
        first, second, score, *optional = values
        if is_missing(first) or is_missing(second):
            omitted.add("text on one side", number)
            continue
        if is_missing(score):
            omitted.add("score", number)
            continue
        subset = optional.pop(0) if columns.subset is not None else None
        yield (
            as_filled_text(first, columns.first, location),
            as_filled_text(second, columns.second, location),
            as_score(score, columns.score, location),
            "" if subset is None else str(subset),
            "" if columns.split is None else as_split(optional[0], columns.split, location),
        )


def _is_header(fields: Sequence[str], names: Sequence[str] | None) -> bool:
    """Is the first row a header? No if the field of the score is a number."""
    if names is None:
        layout = _WITHOUT_HEADER.get(min(len(fields), _STS_FIELDS))
        return layout is None or not is_number(fields[int(layout.score) - 1])
    if not all(map(str.isdecimal, names)):
        return True
    score = fields[int(names[2]) - 1 : int(names[2])]
    return guess_sides(fields) is not None and not all(map(is_number, score))


def _find_columns(table: Table, names: Sequence[str] | None) -> _PairColumns:
    columns = table.names
    if names is None and not table.headed:
        return _WITHOUT_HEADER[min(len(columns), _STS_FIELDS)]
    if names is not None:
        first, second, score = (column_at(columns, name, table.label) for name in names)
    else:
        sides, score_guess = guess_sides(columns), guess_column(columns, "score")
        if sides is None or score_guess is None:
            roles = " and ".join(
                ["the two texts"] * (sides is None) + ["the score"] * (score_guess is None)
            )
            option = (
                "columns=(first, second, score)"
                if table.in_memory
                else "--columns FIRST,SECOND,SCORE"
            )
            raise TextError(
                f"{table.label}: cannot tell which columns hold {roles}; it has "
                f"{listed_columns(columns)}; name them with {option} "
                "(or their numbers, if these are no names)"
            )
        first, second, score = *sides, score_guess
    optional = guess_column(columns, "subset"), guess_column(columns, "split")
    return _PairColumns(first, second, score, *optional)
