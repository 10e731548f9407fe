"""What tags say: which words make an entity, counted as the CoNLL shared tasks count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from poolwise.errors import StudyError

Span = tuple[int, int, str]
"""First word, word after the last, kind."""

OUTSIDE = "O"
_CHUNK = re.compile(r"O|[BIESLU](-.*)?")
_PREFIXED = re.compile(r"[BI]-.+")


@dataclass(frozen=True, slots=True)
class TagScheme:
    """How tags are read: ``score`` names what is measured, ``spans`` finds what counts once.

    ``outside`` is the tag of a word that belongs to nothing, where there is such a tag.
    """

    score: str
    spans: Callable[[Sequence[str]], set[Span]]
    outside: str | None = None

    def counts(self, gold: Sequence[str], guess: Sequence[str]) -> tuple[int, int, int]:
        """Spans of one sentence that are right, guessed, and there to be found."""
        true, found = self.spans(gold), self.spans(guess)
        return len(true & found), len(found), len(true)


def entities(tags: Sequence[str]) -> set[Span]:
    """The entities of a sentence tagged in BIO (IOB2), IOB1, BIOES or BILOU.

    As the CoNLL-2000 script ``conlleval`` reads them: an entity ends where its kind changes,
    whatever the prefix, and one may begin without ``B``.
    """
    found: set[Span] = set()
    start, before = 0, OUTSIDE
    for i, tag in enumerate([*tags, OUTSIDE]):
        goes_on = tag[0] in "IEL" and before[0] in "BI" and tag[2:] == before[2:]
        if not goes_on:
            if before != OUTSIDE:
                found.add((start, i, before[2:]))
            start = i
        before = tag
    return found


def each_word(tags: Sequence[str]) -> set[Span]:
    """Every word by itself: precision, recall and F1 are then all the accuracy."""
    return {(i, i + 1, tag) for i, tag in enumerate(tags)}


ENTITIES = TagScheme("entity F1", entities, OUTSIDE)
WORDS = TagScheme("accuracy", each_word)


def scheme_of(tags: Iterable[str], where: str) -> TagScheme:
    """Entities where tags have the prefixes of chunks, else every word by itself.

    Raises StudyError where there is nothing to tell apart, or where only some tags have prefixes.
    """
    seen = Counter(tags)
    if len(seen) < 2:
        only = next(iter(seen), "")
        told = "no entity" if only == OUTSIDE else "nothing to tell apart"
        raise StudyError(
            f"{where}: every word has the tag {only!r}, so there is {told}; is this the tag column?"
        )
    others = [tag for tag in seen if not _CHUNK.fullmatch(tag)]
    if not others:
        return ENTITIES
    if any(_PREFIXED.fullmatch(tag) for tag in seen):
        raise StudyError(
            f"{where}: some tags have a prefix as in B-place, but {others[0]!r} has none; expected "
            "O and B-, I-, E-, S- (or L-, U-), or tags without prefixes throughout"
        )
    return WORDS
