"""One file of text, or standard input: opened, decompressed, decoded, its lines counted."""

from __future__ import annotations

import bz2
import codecs
import difflib
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from poolwise.errors import TextError

STDIN = "-"

DECOMPRESS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}

_CHUNK = 1 << 18
_SAMPLE = 1 << 28
"""Lines are counted in so many bytes at most; beyond, their number is an estimate."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """``path`` as the user wrote it, ``-`` for standard input."""

    path: str
    encoding: str = "utf-8"

    @property
    def label(self) -> str:
        """How an error names it."""
        return "standard input" if self.path == STDIN else self.path

    @property
    def repeatable(self) -> bool:
        """Can it be read twice? Pipes cannot."""
        return self.path != STDIN and Path(self.path).is_file()

    def check(self) -> None:
        """Raise TextError unless there is something to read and a way to decode it."""
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise TextError(f"unknown encoding {self.encoding!r}; try utf-8 or latin-1") from None
        path = Path(self.path)
        if self.path == STDIN:
            return
        if path.is_dir():
            raise TextError(
                f"{path} is a folder; name the files in it, "
                f"or write hf:{path.resolve()} if it is a Hugging Face dataset"
            )
        if not path.exists():
            raise TextError(f"no such file: {path}{_close_names(path)}")

    def lines(self) -> Iterator[str]:
        """The lines with their line feeds; the last may have none. A byte order mark is dropped."""
        with reading(self.label), self._open() as (_, content):
            yield from _decoded_lines(content, self.encoding, self.label)

    def count_lines(self) -> int | None:
        """Exact up to 256 MB (decompressed), an estimate beyond, None if it is a pipe."""
        if not self.repeatable:
            return None
        lines, seen, last = 0, 0, b"\n"
        with reading(self.label), self._open() as (stored, content):
            while seen < _SAMPLE and (chunk := content.read(_CHUNK)):
                lines, seen, last = lines + chunk.count(b"\n"), seen + len(chunk), chunk[-1:]
            whole = not content.read(1)
            share = stored.tell() / max(Path(self.path).stat().st_size, 1)
        return lines + (last != b"\n") if whole else round(lines / share)

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The stored bytes and their decompressed content."""
        if self.path == STDIN:
            yield sys.stdin.buffer, sys.stdin.buffer
            return
        decompress = DECOMPRESS.get(Path(self.path).suffix.lower())
        with Path(self.path).open("rb") as stored:
            if decompress is None:
                yield stored, stored
            else:
                with decompress(stored) as content:
                    yield stored, content


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what can go wrong while bytes are read into a TextError."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise TextError(f"{label} is damaged, or not what its suffix says: {error}") from error
    except OSError as error:
        raise TextError(f"cannot read {label}: {error.strerror or error}") from error


def _decoded_lines(content: IO[bytes], encoding: str, label: str) -> Iterator[str]:
    """Decoded here and not by ``io.TextIOWrapper``, which cannot say where a bad byte stands."""
    decoder = codecs.getincrementaldecoder(encoding)()
    unfinished: list[str] = []
    taken = line_feeds = 0
    ended = False
    while not ended:
        chunk = content.read1(_CHUNK)  # type: ignore[attr-defined]
        ended = not chunk
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=ended)
        except UnicodeDecodeError as error:
            line = line_feeds + error.object[: error.start].count(b"\n") + 1
            raise TextError(
                f"{label} is not {encoding}: line {line}, byte {taken - pending + error.start} "
                f"is 0x{error.object[error.start]:02x}; "
                "name its encoding, for example --encoding latin-1"
            ) from None
        if taken == 0:
            text = text.removeprefix("\ufeff")
        taken += len(chunk)
        *complete, rest = text.split("\n")
        line_feeds += len(complete)
        for line_text in complete:
            yield "".join([*unfinished, line_text, "\n"])
            unfinished.clear()
        if rest:
            unfinished.append(rest)
    if unfinished:
        yield "".join(unfinished)


def _close_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor is there a folder {path.parent})"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=3)
    return f" (there is {', '.join(sorted(close))})" if close else ""
