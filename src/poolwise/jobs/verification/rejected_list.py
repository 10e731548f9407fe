"""The list of a part's rejected rows, read back."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolwise.jobs.rejection import kind_of


@dataclass(slots=True)
class RejectedRows:
    """Rejected rows, in order: ``counts`` by kind, ``ids``, a digest over their ids and problems.

    ``there`` says whether there is a list, ``damage`` what is wrong with its lines.
    """

    there: bool = True
    damage: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    ids: list[Any] = field(default_factory=list)
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, row_id: object, problem: str) -> None:
        self.counts[kind_of(problem)] += 1
        self.ids.append(row_id)
        self._digest.update(f"{json.dumps([row_id, problem])}\n".encode())

    @property
    def sha256(self) -> str:
        digest: str = self._digest.hexdigest()
        return digest

    @classmethod
    def read(cls, path: Path) -> RejectedRows:
        """The list in this file, up to the first line that is none of ``Rejected``'s."""
        rows = cls()
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    try:
                        entry = json.loads(line)
                        rows.add(entry["id"], entry["problem"])
                    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                        rows.damage = f"a line {number} that is no rejected row"
                        break
        except FileNotFoundError:
            rows.there = False
        except OSError as error:
            rows.damage = f"a file that cannot be read ({error.strerror or error})"
        return rows
