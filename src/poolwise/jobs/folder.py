"""The folder of a corpus job: where each of its files lies.

OUT/part-00000.parquet          the rows, in the order of the inputs; what other software reads
OUT/_SUCCESS                    every part is there
OUT/__poolwise/plan.json        which rows are in which part, and what the vectors depend on
OUT/__poolwise/part-00000.json  a part's sidecar: rows, rejected rows, flags, sha256
OUT/__poolwise/rejected/…       the rejected rows of a part, a line of JSON each
OUT/__poolwise/readouts/…       readouts with what their steps have learned
OUT/__poolwise/claims           which parts are being made, by locks of its bytes
OUT/__poolwise/update/          the same again, of an update that is being made

Readers of folders skip names that begin with ``_`` (Arrow, DuckDB, Spark) or ``__`` (Hugging Face).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.errors import StoreError
from poolwise.files import atomic_write, clear_leftovers, os_errors_as, sync_path


@dataclass(frozen=True, slots=True)
class JobFolder:
    """``path`` is OUT."""

    path: Path

    @property
    def state(self) -> Path:
        """Everything that is not rows."""
        return self.path / "__poolwise"

    @property
    def plan(self) -> Path:
        return self.state / "plan.json"

    @property
    def readouts(self) -> Path:
        return self.state / "readouts"

    @property
    def claims(self) -> Path:
        return self.state / "claims"

    @property
    def update(self) -> JobFolder:
        """Where the parts of an update are made."""
        return JobFolder(self.state / "update")

    @property
    def success(self) -> Path:
        return self.path / "_SUCCESS"

    def part(self, number: int) -> Path:
        return self.path / f"part-{number:05}.parquet"

    def sidecar(self, number: int) -> Path:
        return self.state / f"part-{number:05}.json"

    def rejected(self, number: int) -> Path:
        return self.state / "rejected" / f"part-{number:05}.jsonl"

    def has(self, number: int) -> bool:
        """Whether the part is committed."""
        return self.part(number).exists()

    def make(self) -> None:
        """Make the folders that are not there. Raises StoreError."""
        with os_errors_as(self.path):
            for folder in (self.path, self.state, self.readouts, self.rejected(0).parent):
                if not folder.is_dir():
                    folder.mkdir(parents=True, exist_ok=True)
                    sync_path(folder.parent)

    def clear(self) -> None:
        """Remove what killed processes left unfinished."""
        for folder in (self.path, self.state, self.readouts, self.rejected(0).parent):
            clear_leftovers(folder)


def write_json(path: Path, document: Any, *, overwrite: bool = True) -> None:
    """One JSON document, whole or not at all. Raises StoreError, NameTakenError."""
    content = json.dumps(document, indent=1, ensure_ascii=False)
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(f"{content}\n".encode("utf-8", "backslashreplace"))


def read_json(path: Path) -> dict[str, Any]:
    """What ``write_json`` wrote. Raises StoreError for anything else."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path} is damaged: found no JSON object")
    return document
