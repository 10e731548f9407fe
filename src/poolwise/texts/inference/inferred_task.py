"""The task that was inferred from a table's columns, and which column is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TaskName = Literal[
    "classification",
    "regression",
    "clustering",
    "similarity",
    "pair-classification",
    "retrieval",
    "bitext",
]
"""What readouts are chosen by: the names that ``--task`` takes."""


@dataclass(frozen=True, slots=True)
class InferredTask:
    """The task of a table, the column of each role, a ``description`` of both, and how to
    ``overrule`` it.

    Roles are ``text`` and ``target``; ``first``, ``second`` and ``target`` of pairs, whose texts
    are alike where the target is ``alike``; ``query``, ``positive`` and ``negative`` of retrieval;
    ``words`` and ``tags``; and ``split``. ``columns`` are empty where a reader knows them.
    """

    task: TaskName | Literal["tagging", "texts"]
    columns: Mapping[str, str]
    description: str
    overrule: str
    alike: str | None = None
