"""What pairs, labels and tags have in common: a look at a file, and its rows gathered by part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.compression import COMPRESSED
from poolwise.texts.delimited import IsHeader, delimited
from poolwise.texts.files import STDIN, TextFile
from poolwise.texts.hub import PREFIX
from poolwise.texts.jsonl import json_lines
from poolwise.texts.omitted_rows import LeftOut
from poolwise.texts.sampling import Limit, Sample, sampled
from poolwise.texts.sources import JSON_SUFFIXES, find_source, short_name

_BLANK = 1 << 20
"""Characters of blank lines that a file may begin with, and still show what it is."""

Row = tuple[Any, ...]
"""A row's fields; the last is its part, empty where its source does not say it."""


def open_table(source: str, encoding: str, is_header: IsHeader, most: int) -> Table:
    """The table that ``source`` holds, whose rows may have ``most`` bytes.

    Data sets call files ``.csv``, ``.txt`` or ``.json`` that hold tabs or an object a line, so
    the first line tells more than the suffix.
    """
    suffix = _suffix(source)
    if source.startswith(PREFIX) or suffix == ".parquet":
        found = find_source(source, encoding, most=most)
        found.check()
        return found.table()
    file = TextFile(source, encoding, most)
    file.check()
    first, lines = _peek(file.lines(any_end=suffix not in JSON_SUFFIXES))
    if suffix in JSON_SUFFIXES or first.startswith("{"):
        return json_lines(file.label, lines)
    return delimited(file.label, lines, "csv" if suffix == ".csv" else "tsv", is_header, most=most)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows, and what there is to say of them."""

    rows: Sequence[Row]
    notes: Sequence[str]
    samples: Sequence[Sample]


def gather(
    sources: Mapping[str, Sequence[str]],
    read: Callable[[str, LeftOut], Iterator[Row]],
    limit: Limit | None,
    *,
    label: Callable[[Row], Hashable] = lambda _: "",
    unit: str = "rows",
) -> Gathered:
    """The rows of all sources, at most ``limit`` of each: of its parts and labels their share.

    ``sources`` by part, as ``by_part`` has them: a part that they name goes before a row's own.
    ``read`` tells of rows that lack something, which are left out.
    """
    rows: list[Row] = []
    notes: list[str] = []
    samples: list[Sample] = []
    several = sum(map(len, sources.values())) > 1
    for part, names in sources.items():
        for name in names:
            left_out = LeftOut()
            own = ((*row[:-1], part or row[-1]) for row in read(name, left_out))
            found, sample = sampled(own, limit, _short(name), unit, part=_part, label=label)
            said = [str(sample)] if sample else []
            said += left_out.notes()
            if not found:
                why = f" that are whole: {'; '.join(said)}" if said else ""
                raise TextError(f"{_short(name)} holds no rows{why}")
            said += [left_out.found] if left_out.found else []
            rows += found
            notes += [f"{_short(name)}: {note}" if several else note for note in said]
            samples += [sample] if sample else []
    return Gathered(rows, notes, samples)


def _part(row: Row) -> str:
    return str(row[-1])


def by_part(
    sources: str | Sequence[str],
    dev: str | Sequence[str] | None = None,
    test: str | Sequence[str] | None = None,
) -> Mapping[str, Sequence[str]]:
    """The sources by the part they are for; no part is named where there are only ``sources``."""
    if not sources:
        raise TextError("no input: name a file, - for standard input, or hf:NAME")
    train = "" if dev is None and test is None else "train"
    parts = {train: sources, "dev": dev or (), "test": test or ()}
    return {
        part: (names,) if isinstance(names, str) else names
        for part, names in parts.items()
        if names
    }


def name_of(sources: Mapping[str, Sequence[str]]) -> str:
    """What a report calls the data: file names without their folders."""
    return ", ".join(_short(name) for names in sources.values() for name in names)


def rows_hash(rows: Iterable[Row]) -> str:
    """sha256 (hex) over the rows in order, each as a line of JSON."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def _short(source: str) -> str:
    return TextFile(source).label if source == STDIN else short_name(source)


def _suffix(source: str) -> str:
    path = Path(source)
    return (path.with_suffix("") if path.suffix.lower() in COMPRESSED else path).suffix.lower()


def _peek(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """The first line that is not blank, without the spaces before it, and all lines. Empty where
    there is none among the first ones."""
    seen, characters = [], 0
    for line in lines:
        seen.append(line)
        characters += len(line)
        if not line.isspace() or characters >= _BLANK:
            break
    return "".join(seen[-1:]).lstrip(" "), chain(seen, lines)
