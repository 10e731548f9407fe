"""A part's sidecar: what is known of it, read from the part itself and kept beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder, read_json, write_json

METADATA = "part"
"""The key in a part's footer, after the prefix of all keys."""


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What stands in a part's footer. ``rows_in`` are rows of the inputs, ``rows`` those of the
    part, ``rejected`` counts the rejected ones by kind (they are in the part, without vectors, or
    left out), ``flags`` the rows with each flag. ``ids_sha256`` is over the ids, a line each."""

    part: int
    rows_in: int
    rows: int
    rejected: Mapping[str, int]
    flags: Mapping[str, int]
    ids_sha256: str


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The facts of a part and its file: ``bytes`` and their ``sha256``."""

    facts: PartFacts
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Sidecar:
        """The sidecar of a part's file. Raises StoreError where it is damaged or no part."""
        try:
            metadata = pq.read_metadata(path).metadata or {}
            facts = PartFacts(**json.loads(metadata[f"poolwise.{METADATA}".encode()]))
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{path} is no part of a corpus job, or damaged: {error}") from error
        return cls(facts, path.stat().st_size, digest)

    @classmethod
    def load(cls, folder: JobFolder, number: int) -> Sidecar:
        """The sidecar of a committed part, made anew where a killed process left none."""
        path = folder.sidecar(number)
        if not path.exists():
            return cls.of(folder.part(number)).save(folder)
        return cls.read(folder, number)

    @classmethod
    def read(cls, folder: JobFolder, number: int) -> Sidecar:
        """The sidecar that is there. Raises StoreError where it cannot be read."""
        path = folder.sidecar(number)
        document = read_json(path)
        try:
            size, digest = document.pop("bytes"), document.pop("sha256")
            return cls(PartFacts(**document), size, digest)
        except (KeyError, TypeError) as error:
            raise StoreError(f"{path} is damaged: {error!r:.100}") from error

    def save(self, folder: JobFolder) -> Sidecar:
        """Write it, in place of any other."""
        write_json(folder.sidecar(self.facts.part), self.to_json())
        return self

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self.facts), "bytes": self.bytes, "sha256": self.sha256}
