"""How the data of a sweep or a question are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from poolwise.errors import OptionError, listed
from poolwise.texts.limits import MAX_TEXT_BYTES


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How data are read: the options of the command line of the same names.

    ``limit`` rows of each input at most, drawn by ``seed`` (the first ones where it is None); None
    reads all. ``dev`` and ``test`` are data of the same kind, for the one set of pairs, labels,
    tags or queries (then they are relevance) that is given. ``columns`` are those of pairs, of
    relevance, or of queries with positives. ``corpus`` and ``relevance`` belong to the one set of
    queries, ``corpus_limit`` bounds its documents; ``queries_from="labels"`` lets labelled texts
    search those of their label. ``target`` is the column to predict in ``data``.
    ``max_text_bytes`` bounds one row.
    """

    limit: int | None = None
    seed: int | None = 0
    dev: object = None
    test: object = None
    columns: Sequence[str] | None = None
    text_column: str | None = None
    label_column: str | None = None
    target: str | None = None
    id_column: str | None = None
    corpus: object = None
    relevance: object = None
    corpus_limit: int | None = None
    queries_from: str | None = None
    encoding: str = "utf-8"
    max_text_bytes: int = MAX_TEXT_BYTES

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments that all readers of data have."""
        return {
            "limit": self.limit,
            "seed": self.seed,
            "max_text_bytes": self.max_text_bytes,
            "encoding": self.encoding,
        }


def read_options(seed: int, options: Mapping[str, Any]) -> ReadOptions:
    """The ReadOptions of these keyword arguments. Raises OptionError for others."""
    names = [field.name for field in fields(ReadOptions) if field.name != "seed"]
    if unknown := [name for name in options if name not in names]:
        raise OptionError(
            f"unknown option {listed(unknown)}; data are read with the options {', '.join(names)}"
        )
    return ReadOptions(seed=seed, **options)


def check_owners(sets: Mapping[str, Sequence[object]], options: ReadOptions) -> None:
    """Raises OptionError for an option whose data are not there, or are several sets."""
    n_sets = sum(map(len, sets.values()))
    if (options.dev is not None or options.test is not None) and n_sets != 1:
        raise OptionError(
            f"dev and test belong to one set of data; there are {n_sets} ({', '.join(sets)})"
        )
    n_queries = len(sets["queries"])
    if (options.corpus is not None or options.relevance is not None) and n_queries != 1:
        raise OptionError(
            f"corpus and relevance belong to one set of queries; there are {n_queries}"
        )
    if options.queries_from not in (None, "labels"):
        raise OptionError(f"queries_from is {options.queries_from!r:.60}, expected 'labels'")
    if options.queries_from and not sets["labels"]:
        raise OptionError("queries_from='labels' takes texts from labels; none are given")
