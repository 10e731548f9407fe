"""Where data sets lie in the folder that the user names, whatever the case of the names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poolwise.errors import StudyError

ROOTS = ("", "downstream", "data/downstream", "data")
"""Where SentEval's folders begin: the folder named may be its ``data/downstream``, its ``data``, or
its whole checkout."""

COLLECTIONS: Mapping[str, Sequence[str]] = {
    **{
        name: (f"STS/{name}-en-test", f"{name}-en-test", f"STS/{name}", name)
        for name in ("STS12", "STS13", "STS14", "STS15", "STS16")
    },
    "STS-B": ("STS/STSBenchmark", "STSBenchmark", "STS-B", "stsb", ""),
    "SICK": ("SICK", "SICK-R", ""),
    "MR": ("MR", "mr/sentence_polarity", ""),
    "CR": ("CR", ""),
    "SUBJ": ("SUBJ", ""),
    "MPQA": ("MPQA", ""),
    "SST": ("SST/binary", "binary", "SST", "SST2", ""),
    "TREC": ("TREC", ""),
    "MRPC": ("MRPC", ""),
    "probing": ("probing", ""),
    "CoNLL-2003": ("conll2003", "CoNLL-2003", ""),
}
"""The folders of each collection under a root; the first is SentEval's."""


@dataclass(frozen=True)
class DataFolder:
    """The folder that the user names. Each folder in it is listed once."""

    path: Path
    _listings: dict[Path, dict[str, list[Path]]] = field(default_factory=dict)

    def find(self, collection: str, *names: str) -> Path | None:
        """The file of a collection that has one of these names."""
        for root in ROOTS:
            for place in COLLECTIONS[collection]:
                for name in names:
                    steps = [step for step in f"{root}/{place}/{name}".split("/") if step]
                    for path in self._matches(self.path, steps):
                        return path
        return None

    def require(self, collection: str, name: str) -> Path:
        """The file of a collection that has this name. Raises StudyError where it is not there."""
        path = self.find(collection, name)
        if path is None:
            raise self.missing(collection, name)
        return path

    def missing(self, collection: str, name: str = "") -> StudyError:
        """The error that this file of a collection, or all of it, is not there."""
        place = "/".join(filter(None, (COLLECTIONS[collection][0], name)))
        return StudyError(f"there is no {place} in {self.path}")

    def _matches(self, folder: Path, steps: Sequence[str]) -> Iterator[Path]:
        """The paths under ``folder`` that these steps lead to; names as written come first."""
        if not steps:
            yield folder
            return
        entries = self._listing(folder).get(steps[0].casefold(), [])
        for entry in sorted(entries, key=lambda entry: entry.name != steps[0]):
            yield from self._matches(entry, steps[1:])

    def _listing(self, folder: Path) -> Mapping[str, list[Path]]:
        """What is in a folder, by name in lower case; nothing where it cannot be listed."""
        if folder not in self._listings:
            entries: dict[str, list[Path]] = {}
            try:
                for path in sorted(folder.iterdir()):
                    entries.setdefault(path.name.casefold(), []).append(path)
            except OSError:
                pass
            self._listings[folder] = entries
        return self._listings[folder]
