"""What the columns of annotated data are usually called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

USUAL: dict[str, Sequence[frozenset[str]]] = {
    "text": (
        frozenset({"text"}),
        frozenset({"sentence"}),
        frozenset({"utterance", "query", "question", "review", "content", "comment", "tweet"}),
    ),
    "label": (
        frozenset({"label", "labels"}),
        frozenset({"category", "class", "intent", "target", "sentiment", "polarity"}),
    ),
    "score": (
        frozenset({"score", "goldscore", "similarity", "similarityscore", "relatednessscore"}),
        frozenset({"label", "labels"}),
    ),
    "subset": (frozenset({"subset"}),),
    "split": (frozenset({"split"}), frozenset({"semevalset"})),
}
"""By role, in lower case without ``_``, ``-`` and spaces; an earlier group goes before a later."""

SIDES = (
    *(
        (f"{stem}{first}", f"{stem}{second}")
        for stem in ("sentence", "text", "question")
        for first, second in (("1", "2"), ("a", "b"))
    ),
    ("first", "second"),
    ("premise", "hypothesis"),
)
"""The two texts of a pair."""


def usual_column(columns: Sequence[str], role: str) -> str | None:
    """The column that is called as one of this role is; None if there is none, or several."""
    for group in USUAL[role]:
        found = [column for column in columns if _plain(column) in group]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def usual_sides(columns: Iterable[str]) -> tuple[str, str] | None:
    """The columns of a pair's two texts; None if there are none, or several."""
    known = {_plain(column): column for column in columns}
    found = [(known[a], known[b]) for a, b in SIDES if a in known and b in known]
    return found[0] if len(found) == 1 else None


def has_usual_names(columns: Sequence[str]) -> bool:
    """Is one of them called as a column of such data is?"""
    names = frozenset({"id"}).union(*(group for groups in USUAL.values() for group in groups))
    return usual_sides(columns) is not None or any(_plain(name) in names for name in columns)


def _plain(column: str) -> str:
    return column.strip().casefold().translate(dict.fromkeys(map(ord, "_- ")))
