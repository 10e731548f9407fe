"""What a file's first bytes tell: text, compressed text, or a binary format."""

from __future__ import annotations

import codecs
from collections import Counter

from poolwise.errors import TextError

HEAD = 512
"""Bytes that are examined."""

GZIP, BZIP2, XZ, ZSTANDARD = "gzip", "bzip2", "xz", "Zstandard"

_COMPRESSED = {
    b"\x1f\x8b\x08": GZIP,
    b"BZh": BZIP2,
    b"\xfd7zXZ\x00": XZ,
    b"\x28\xb5\x2f\xfd": ZSTANDARD,
}
_BZIP2_BLOCKS = {b"1AY&SY", b"\x17rE8P\x90"}
"""The bytes after ``BZh9``, which a text may begin with too: a block, or the end."""

_UNPACK = "unpack it and name the files in it"
_AS_CSV = "export the texts as CSV"
_AS_PARQUET = "write it as Parquet"
_AS_TEXT = "save its text in a file of plain text"
_DECOMPRESS = "decompress it first"

_BINARY = {
    b"PAR1": ("a Parquet file", "name a file whose name ends with .parquet"),
    b"PARE": ("an encrypted Parquet file", "write it without encryption"),
    b"%PDF-": ("a PDF", _AS_TEXT),
    b"SQLite format 3\x00": ("an SQLite database", _AS_CSV),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "an old Office file (.xls, .doc)",
        "save it as CSV (UTF-8) or plain text",
    ),
    b"{\\rtf": ("a document in Rich Text Format", _AS_TEXT),
    b"ARROW1\x00\x00": ("an Arrow file", _AS_PARQUET),
    b"FEA1": ("a Feather file", _AS_PARQUET),
    b"Obj\x01": ("an Avro file", _AS_PARQUET),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", _AS_PARQUET),
    b"\x93NUMPY": ("a NumPy array", _AS_CSV),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    b"\x04\x22\x4d\x18": ("compressed with LZ4", _DECOMPRESS),
    b"\xff\x06\x00\x00sNaPpY": ("compressed with Snappy", _DECOMPRESS),
    b"\x1f\x9d": ("compressed with compress (.Z)", _DECOMPRESS),
    b"\x89PNG\r\n": ("an image", "name a file of text"),
    b"\xff\xd8\xff": ("an image", "name a file of text"),
    b"GIF8": ("an image", "name a file of text"),
    b"version https://git-lfs.github.com/spec/": (
        "a pointer of Git LFS in place of the file",
        "fetch it with: git lfs pull",
    ),
}
"""By their first bytes: the format, and what the user can do."""

_ZIPPED = {
    b"[Content_Types].xml": ("an Office file (.xlsx, .docx)", "save it as CSV (UTF-8)"),
    b"xl/": ("an Excel workbook", "save the sheet as CSV (UTF-8)"),
    b"word/": ("a Word document", _AS_TEXT),
    b"mimetypeapplication/vnd.oasis": ("an OpenDocument file", "save it as CSV or plain text"),
    b"mimetypeapplication/epub": ("an e-book (EPUB)", _AS_TEXT),
}
"""Zip archives with another name, by bytes near their beginning; a later entry goes before an
earlier."""

_WIDE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
"""Encodings of texts that are full of NULs."""


def compression_of(head: bytes) -> str | None:
    """The compression of a file that begins with ``head``; None if there is none."""
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic) and (name != BZIP2 or head[4:10] in _BZIP2_BLOCKS):
            return name
    return None


def binary_format(head: bytes) -> tuple[str, str] | None:
    """The binary format of a file that begins with ``head``, and advice; None if it may be text."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        matches = [detected for part, detected in _ZIPPED.items() if part in head]
        return matches[-1] if matches else ("a zip archive", _UNPACK)
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if (compression := compression_of(head)) is not None:
        return f"compressed with {compression}", _DECOMPRESS
    return next((detected for magic, detected in _BINARY.items() if head.startswith(magic)), None)


def encoding_of(head: bytes, encoding: str, label: str) -> str:
    """The encoding to read the text with: ``encoding``, unless the bytes are those of UTF-16 or 32.

    Raises TextError where ``head`` begins a binary format, or text in another encoding.
    """
    detected = binary_format(head)
    if detected is not None:
        kind, advice = detected
        raise TextError(f"{label} is {kind}, expected text; {advice}")
    name = codecs.lookup(encoding).name
    wide = _wide_encoding(head)
    if wide is not None:
        if name in {"utf-8", "utf-8-sig", "utf-16", "utf-32", wide}:
            return wide
        raise TextError(f"{label} is {wide}, not {encoding}; name its encoding, or leave it out")
    null = head.find(b"\x00")
    if null >= 0 and name not in _WIDE and not (name.startswith("utf-8") and _is_utf8(head)):
        raise TextError(
            f"{label} is no text in {encoding}: byte {null} is NUL, as in files that are not text; "
            "name a text file, or the encoding of this one"
        )
    return encoding


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by their byte order mark; UTF-16 without one by where its NULs are.

    Most characters of most texts are of one script and its spaces: one byte of each pair is NUL
    or that script's, and the other is never NUL.
    """
    for bom, name in (
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(bom):
            return name
    for high, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        counts = Counter(head[high::2])
        frequent = sum(count for _, count in counts.most_common(2))
        pairs = len(head) // 2
        if (
            2 <= counts[0] >= pairs / 10
            and frequent >= 0.9 * pairs
            and 0 not in head[1 - high :: 2]
        ):
            return name
    return None


def _is_utf8(head: bytes) -> bool:
    """Is it UTF-8 with few NULs, which are characters there?"""
    if len(head) >= 16 and 2 * head.count(0) > len(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
