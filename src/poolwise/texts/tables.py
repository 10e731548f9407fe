"""What pairs, labels and tags share: opening a table, and gathering the rows of all splits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.delimited import IsHeader, delimited
from poolwise.texts.files import STDIN, TextFile
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.jsonl import json_lines
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.sampling import Limit, Sample, sampled
from poolwise.texts.sources import JSON_SUFFIXES, find_source, format_suffix, short_name

_MAX_BLANK = 1 << 20
"""Characters of blank lines at the beginning of a file that are skipped to find its format."""

Input = str | Table
"""A file's path, ``-``, ``hf:…``; or a table in memory."""

Inputs = Input | Sequence[Input]

Row = tuple[Any, ...]
"""A row's fields; the last is its split, empty where its source does not say it."""


def open_table(
    source: Input,
    encoding: str,
    is_header: IsHeader,
    max_bytes: int,
    *,
    optional: Sequence[str] = (),
    read_json: Callable[[str, Iterable[str], Sequence[str]], Table] = json_lines,
) -> Table:
    """The table that ``source`` holds, whose rows may have ``max_bytes`` bytes.

    Objects may lack ``optional`` columns, which are null then; ``read_json`` makes the table of a
    file that begins with ``{``.

    Data sets call files ``.csv``, ``.txt`` or ``.json`` that hold tabs or an object a line, so
    the first line decides before the suffix.
    """
    if isinstance(source, Table):
        return source
    suffix = format_suffix(source)
    if is_dataset(source) or suffix == ".parquet":
        opened = find_source(source, encoding, max_bytes=max_bytes)
        opened.check()
        return opened.table(optional)
    file = TextFile(source, encoding, max_bytes)
    file.check()
    first, lines = _peek(file.lines(any_end=suffix not in JSON_SUFFIXES))
    if suffix in JSON_SUFFIXES or first.startswith("{"):
        return read_json(file.label, lines, optional)
    file_format = "csv" if suffix == ".csv" else "tsv"
    return delimited(file.label, lines, file_format, is_header, max_bytes=max_bytes)


@dataclass(frozen=True, slots=True)
class GatheredRows:
    """The rows of all inputs, remarks about them, and the samples that a limit drew."""

    rows: Sequence[Row]
    notes: Sequence[str]
    samples: Sequence[Sample]


def gather(
    inputs: Mapping[str, Sequence[Input]],
    read: Callable[[Any, OmittedRows], Iterator[Row]],
    limit: Limit | None,
    *,
    label: Callable[[Row], Hashable] = lambda _: "",
    unit: str = "rows",
) -> GatheredRows:
    """The rows of all inputs, at most ``limit`` of each, of every split and label its share.

    ``inputs`` by split, as ``by_split`` returns them: a split named there replaces a row's own.
    ``read`` yields the rows of an input and counts those it omits.
    """
    rows: list[Row] = []
    notes: list[str] = []
    samples: list[Sample] = []
    several = sum(map(len, inputs.values())) > 1
    for split, sources in inputs.items():
        for source in sources:
            name, omitted = input_name(source), OmittedRows()
            labelled = ((*row[:-1], split or row[-1]) for row in read(source, omitted))
            drawn, sample = sampled(labelled, limit, name, unit, split=_split_of, label=label)
            remarks = [*([str(sample)] if sample else []), *omitted.notes()]
            if not drawn:
                reason = f" that are whole: {'; '.join(remarks)}" if remarks else ""
                raise TextError(f"{name} holds no rows{reason}")
            remarks += [omitted.source_note] if omitted.source_note else []
            rows += drawn
            notes += [f"{name}: {remark}" if several else remark for remark in remarks]
            samples += [sample] if sample else []
    return GatheredRows(rows, notes, samples)


def _split_of(row: Row) -> str:
    return str(row[-1])


def by_split(
    inputs: Inputs, dev: Inputs | None = None, test: Inputs | None = None
) -> Mapping[str, Sequence[Input]]:
    """The inputs by the split they are for; under "" if neither ``dev`` nor ``test`` is given."""
    if not inputs:
        raise TextError("no input: name a file, - for standard input, or hf:NAME")
    train = "" if dev is None and test is None else "train"
    splits = {train: inputs, "dev": dev or (), "test": test or ()}
    return {
        split: (sources,) if isinstance(sources, str | Table) else sources
        for split, sources in splits.items()
        if sources
    }


def joined_names(inputs: Mapping[str, Sequence[Input]]) -> str:
    """What a report calls the data: file names without their folders."""
    return ", ".join(input_name(source) for sources in inputs.values() for source in sources)


def rows_hash(rows: Iterable[Row]) -> str:
    """sha256 (hex) over the rows in order, each as a line of JSON."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def input_name(source: Input) -> str:
    """What a report calls one input."""
    if isinstance(source, Table):
        return source.label if source.in_memory else short_name(source.label)
    return TextFile(source).label if source == STDIN else short_name(source)


def _peek(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """The first line that is not blank, without the spaces before it, and all lines. Empty where
    the first ``_MAX_BLANK`` characters are blank."""
    head, characters = [], 0
    for line in lines:
        head.append(line)
        characters += len(line)
        if not line.isspace() or characters >= _MAX_BLANK:
            break
    return "".join(head[-1:]).lstrip(" "), chain(head, lines)
