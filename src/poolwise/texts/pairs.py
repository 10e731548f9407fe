"""Pairs of texts that people have scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from poolwise.errors import TextError
from poolwise.texts.column_names import usual_column, usual_sides
from poolwise.texts.columns import Table, column_at, listed_columns
from poolwise.texts.datasets import TextPairs
from poolwise.texts.fields import as_filled_text, as_score, is_missing, is_number
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import LeftOut
from poolwise.texts.sampling import limited
from poolwise.texts.semeval import is_semeval, read_semeval
from poolwise.texts.split_names import named_part
from poolwise.texts.tables import Row, by_part, gather, name_of, open_table, rows_hash


@dataclass(frozen=True, slots=True)
class _Columns:
    first: str
    second: str
    score: str
    subset: str | None = None
    split: str | None = None


_BENCHMARK = 7
"""Fields of the STS Benchmark; some lines have more, which say where the texts are from."""

_UNNAMED = {3: _Columns("1", "2", "3"), _BENCHMARK: _Columns("6", "7", "5", subset="2")}
"""Files without a header, by the number of fields."""


def open_pairs(
    source: str,
    *,
    dev: str | None = None,
    test: str | None = None,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> TextPairs:
    """The scored pairs of ``source``, in memory.

    A source is a file with a header (CSV, TSV, JSON Lines, Parquet; ``.gz``, ``.bz2``, ``.xz``
    and ``.zst`` are decompressed), ``-`` for standard input, ``hf:NAME[[:CONFIG]:SPLIT]``, a file
    of the STS Benchmark, a TSV of first, second and score without a header, or a folder of
    SemEval's (``STS.input.NAME.txt`` beside ``STS.gs.NAME.txt``).

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
    sources = by_part(source, dev, test)
    found = gather(
        sources,
        lambda name, left_out: _read(name, columns, encoding, left_out, max_text_bytes),
        limited(limit, seed),
        label=lambda row: row[3],
    )
    first, second, scores, subsets, splits = zip(*found.rows, strict=True)
    return TextPairs(
        name_of(sources),
        first,
        second,
        np.array(scores, np.float64),
        subsets,
        splits,
        rows_hash(found.rows),
        found.notes,
        found.samples,
    )


def _read(
    source: str, asked: Sequence[str] | None, encoding: str, left_out: LeftOut, most: int
) -> Iterator[Row]:
    if is_semeval(source):
        for row in read_semeval(source, encoding, left_out, most):
            yield *row, ""
        return
    table = open_table(source, encoding, lambda fields, _: _is_header(fields, asked), most)
    if not table.names:
        return
    columns = _columns(table, asked)
    left_out.unit, left_out.found = table.unit, table.note
    for number, values in table.rows([name for name in astuple(columns) if name is not None]):
        where = table.where(number)
        first, second, score, *more = values
        if is_missing(first) or is_missing(second):
            left_out.add("text on one side", number)
            continue
        if is_missing(score):
            left_out.add("score", number)
            continue
        subset = more.pop(0) if columns.subset is not None else None
        yield (
            as_filled_text(first, columns.first, where),
            as_filled_text(second, columns.second, where),
            as_score(score, columns.score, where),
            "" if subset is None else str(subset),
            "" if columns.split is None else named_part(more[0], columns.split, where),
        )


def _is_header(fields: Sequence[str], asked: Sequence[str] | None) -> bool:
    """A number where the score should be tells that it is none."""
    if asked is None:
        layout = _UNNAMED.get(min(len(fields), _BENCHMARK))
        return layout is None or not is_number(fields[int(layout.score) - 1])
    if not all(map(str.isdecimal, asked)):
        return True
    score = fields[int(asked[2]) - 1 : int(asked[2])]
    return usual_sides(fields) is not None and not all(map(is_number, score))


def _columns(table: Table, asked: Sequence[str] | None) -> _Columns:
    names = table.names
    if asked is None and not table.headed:
        return _UNNAMED[min(len(names), _BENCHMARK)]
    if asked is not None:
        first, second, score = (column_at(names, column, table.label) for column in asked)
    else:
        sides, usual = usual_sides(names), usual_column(names, "score")
        if sides is None or usual is None:
            missing = " and ".join(
                ["the two texts"] * (sides is None) + ["the score"] * (usual is None)
            )
            raise TextError(
                f"{table.label}: cannot tell which columns hold {missing}; it has "
                f"{listed_columns(names)}; name them with --columns FIRST,SECOND,SCORE "
                "(or their numbers, if these are no names)"
            )
        first, second, score = *sides, usual
    more = usual_column(names, "subset"), usual_column(names, "split")
    return _Columns(first, second, score, *more)
