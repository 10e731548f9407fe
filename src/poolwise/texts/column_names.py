"""Names that columns of annotated data have in common data sets, by role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

ROLE_NAMES: dict[str, Sequence[frozenset[str]]] = {
    "text": (
        frozenset({"text"}),
        frozenset({"sentence"}),
        frozenset({"utterance", "query", "question", "review", "content", "comment", "tweet"}),
        frozenset({"body", "description", "message", "document", "abstract", "reviewbody"}),
    ),
    "label": (
        frozenset({"label", "labels"}),
        frozenset({"category", "class", "intent", "target", "sentiment", "polarity"}),
        frozenset({"stars", "rating", "y"}),
    ),
    "score": (
        frozenset({"score", "goldscore", "similarity", "similarityscore", "relatednessscore"}),
        frozenset({"label", "labels"}),
    ),
    "words": (frozenset({"words"}), frozenset({"tokens"})),
    "tags": (
        frozenset({"tags"}),
        frozenset({"nertags", "postags", "chunktags", "upos", "xpos"}),
        frozenset({"labels"}),
    ),
    "query": (
        frozenset({"query", "anchor"}),
        frozenset({"text"}),
        frozenset({"question", "querytext", "sentence"}),
    ),
    "document": (
        frozenset({"text"}),
        frozenset({"document", "passage", "contents", "content", "body", "documenttext"}),
        frozenset({"abstract", "sentence"}),
    ),
    "title": (frozenset({"title"}),),
    "query id": (frozenset({"queryid", "qid"}), frozenset({"id"}), frozenset({"query"})),
    "document id": (
        frozenset({"corpusid", "documentid", "docid", "docno", "did"}),
        frozenset({"passageid", "pid"}),
        frozenset({"corpusids"}),
        frozenset({"id"}),
        frozenset({"document", "doc", "passage"}),
    ),
    "grade": (
        frozenset({"score", "grade", "relevance", "rel"}),
        frozenset({"label", "relevancegrade", "relevancescore", "judgment", "judgement"}),
    ),
    "positive": (
        frozenset({"positive", "positives", "pos"}),
        frozenset({"answer", "answers"}),
        frozenset({"passage", "document", "context"}),
    ),
    "negative": (frozenset({"negative", "negatives", "neg", "hardnegative", "hardnegatives"}),),
    "subset": (frozenset({"subset"}),),
    "split": (frozenset({"split"}), frozenset({"semevalset"})),
}
"""By role, in lower case without ``_``, ``-`` and spaces; an earlier group goes before a later."""

SIDE_NAMES = (
    *(
        (f"{stem}{first}", f"{stem}{second}")
        for stem in ("sentence", "text", "question")
        for first, second in (("1", "2"), ("a", "b"))
    ),
    ("first", "second"),
    ("premise", "hypothesis"),
)
"""The two texts of a pair."""

_HEADER_ROLES = ("text", "label", "score", "subset", "split")


def guess_column(columns: Sequence[str], role: str) -> str | None:
    """The column whose name is one of this role's; None if there is none, or several."""
    for group in ROLE_NAMES[role]:
        matches = [column for column in columns if _normalized(column) in group]
        if matches:
            return matches[0] if len(matches) == 1 else None
    return None


def guess_columns(columns: Sequence[str], role: str) -> list[str]:
    """The columns whose names are one of this role's, a number at their end aside: ``negative_1``,
    ``negative_2``; those of the first group that has any."""
    for group in ROLE_NAMES[role]:
        matches = [name for name in columns if _normalized(name).rstrip("0123456789") in group]
        if matches:
            return matches
    return []


def guess_sides(columns: Iterable[str]) -> tuple[str, str] | None:
    """The columns of a pair's two texts; None if there are none, or several."""
    by_name = {_normalized(column): column for column in columns}
    matches = [(by_name[a], by_name[b]) for a, b in SIDE_NAMES if a in by_name and b in by_name]
    return matches[0] if len(matches) == 1 else None


def has_role_name(column: str, role: str) -> bool:
    """Is the column's name one of this role's?"""
    return any(_normalized(column) in group for group in ROLE_NAMES[role])


def known_first(columns: Iterable[str]) -> list[str]:
    """The columns, those whose names are of some role before others."""
    known = {name for groups in ROLE_NAMES.values() for group in groups for name in group}
    return sorted(columns, key=lambda column: _normalized(column) not in known)


_ID_NAMES = frozenset({"", "id", "idx", "index", "uuid", "guid", "key", "unnamed:0"})
_ID_ENDING = re.compile(r".*([_\-. ][iI][dD]|[a-z]I[dD])")


def is_id_name(column: str) -> bool:
    """Is it the name of a row's number or id: ``index``, ``review_id``, ``Unnamed: 0``?"""
    return _normalized(column) in _ID_NAMES or _ID_ENDING.fullmatch(column.strip()) is not None


def has_known_names(columns: Sequence[str]) -> bool:
    """Has any of the columns a name of some role, or is it called ``id``?"""
    names = {"id"}.union(*(group for role in _HEADER_ROLES for group in ROLE_NAMES[role]))
    return guess_sides(columns) is not None or any(_normalized(name) in names for name in columns)


def _normalized(column: str) -> str:
    return column.strip().casefold().translate(dict.fromkeys(map(ord, "_- ")))
