"""The lines of a published data set's file."""

from __future__ import annotations

from pathlib import Path

from poolwise.errors import EncodingError
from poolwise.texts.files import TextFile


def text_file(path: Path) -> TextFile:
    """The file, to be read in UTF-8, or in Latin-1 where it is not UTF-8: old ones have either.

    Raises TextError where it cannot be read.
    """
    file = TextFile(str(path))
    file.check()
    try:
        for _ in file.lines():
            pass
    except EncodingError:
        return TextFile(str(path), "latin-1")
    return file


def file_lines(path: Path) -> list[str]:
    """Its lines without their ends, blank ones too; as ``text_file``."""
    return [line.rstrip("\r\n") for line in text_file(path).lines()]


def words(text: str) -> str:
    """The text with one space between its words, as SentEval hands it to an encoder."""
    return " ".join(text.split())
