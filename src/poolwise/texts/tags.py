"""Sentences cut into words, with a tag for each: CoNLL's columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from poolwise.errors import TextError
from poolwise.texts.datasets import TaggedSentences
from poolwise.texts.files import TextFile
from poolwise.texts.limits import MAX_TEXT_BYTES, too_large
from poolwise.texts.sampling import limited
from poolwise.texts.tables import Row, by_part, gather, name_of, rows_hash

_BLANKS = " \t\r\n"
_BETWEEN = re.compile(r"[ \t]+")
_DOCUMENT = "-DOCSTART-"


def open_tags(
    source: str,
    *,
    dev: str | None = None,
    test: str | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> TaggedSentences:
    """The tagged sentences of ``source``, in memory.

    A source is a file in CoNLL's form (compressed or not) or ``-``
    for standard input: a word a line, two columns or more with spaces or tabs between them, the
    first the word and the last its tag, kept as it is; an empty line after each sentence. Lines
    that begin with ``-DOCSTART-`` are left out. Where ``dev`` or ``test`` are given, ``source``
    is for training. Of each source at most ``limit`` sentences, drawn by ``seed``; the first ones
    where ``seed`` is None.

    Raises TextError where a source is not there, at a line with another number of columns, and at a
    sentence of more than ``max_text_bytes``.
    """
    sources = by_part(source, dev, test)
    found = gather(
        sources,
        lambda name, _: _read(TextFile(name, encoding, max_text_bytes)),
        limited(limit, seed),
        unit="sentences",
    )
    words, tags, splits = zip(*found.rows, strict=True)
    return TaggedSentences(
        name_of(sources),
        words,
        tags,
        splits,
        rows_hash(found.rows),
        found.notes,
        found.samples,
    )


def _read(file: TextFile) -> Iterator[Row]:
    file.check()
    sentence: list[tuple[str, str]] = []
    characters = 0
    for number, fields in _fields(file):
        if fields:
            sentence.append((fields[0], fields[-1]))
            characters += len(fields[0]) + len(fields[-1])
            if characters > file.most:
                raise too_large(f"{file.label}, the sentence before line {number}", file.most)
        elif sentence:
            yield *zip(*sentence, strict=True), ""
            sentence, characters = [], 0
    if sentence:
        yield *zip(*sentence, strict=True), ""


def _fields(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """Each line's number and columns; none where a sentence ends."""
    width = None
    for number, line in enumerate(file.lines(), 1):
        stripped = line.strip(_BLANKS)
        if not stripped or stripped.startswith(_DOCUMENT):
            yield number, []
            continue
        fields = _BETWEEN.split(stripped)
        width = width or max(len(fields), 2)
        if len(fields) != width:
            plural = "" if len(fields) == 1 else "s"
            raise TextError(
                f"{file.label}, line {number}: found {len(fields)} column{plural}, expected "
                f"{width}: a word, its tag, and what stands between them in every line"
            )
        yield number, fields
