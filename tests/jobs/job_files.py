"""A corpus to embed, and the files of a job."""

from __future__ import annotations

import json
from pathlib import Path


def files_of(folder: Path) -> dict[str, bytes]:
    """All files in a job's folder, by their names in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
        except FileNotFoundError:  # another process has just removed it
            continue
    return found


def write_corpus(folder: Path, rows: int) -> list[str]:
    """Two inputs with ids 0..rows-1 over both, some rows without a text, parts across both."""
    words = "the a an cat dog sat on mat and ran over hill old to sea house tree bird".split()
    first = rows * 3 // 7
    names = []
    for name, numbers in (("a.jsonl", range(first)), ("b.jsonl", range(first, rows))):
        path = folder / name
        with path.open("w") as file:
            for n in numbers:
                text = " ".join(words[(n * 7 + k * k) % len(words)] for k in range(2 + n % 7))
                value = None if n % 97 == 5 else "" if n % 97 == 60 else f"{text} {n}"
                file.write(json.dumps({"text": value, "name": n, "stars": n % 5}) + "\n")
        names.append(str(path))
    return names
