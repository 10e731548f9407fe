"""Entities in tag sequences, counted as the CoNLL shared tasks count them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from poolwise.errors import StudyError

Span = tuple[int, int, str]
"""First word, word after the last, entity type."""

OUTSIDE = "O"
_CHUNK = re.compile(r"O|[BIESLU](-.*)?")
_PREFIXED = re.compile(r"[BI]-.+")


@dataclass(frozen=True, slots=True)
class TagScheme:
    """How tags are scored: ``spans`` finds the units that F1 counts, ``metric`` is its name.

    ``outside`` is the tag of a word outside all entities, in a scheme that has one.
    """

    metric: str
    spans: Callable[[Sequence[str]], set[Span]]
    outside: str | None = None

    def counts(self, gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int, int]:
        """Spans of one sentence that are correct, predicted, and true."""
        true_spans, predicted_spans = self.spans(gold), self.spans(predicted)
        return len(true_spans & predicted_spans), len(predicted_spans), len(true_spans)


def entities(tags: Sequence[str]) -> set[Span]:
    """The entities of a sentence tagged in BIO (IOB2), IOB1, BIOES or BILOU.

    As the CoNLL-2000 script ``conlleval`` reads them: an entity ends where its type changes,
    whatever the prefix, and may begin without ``B``.
    """
    spans: set[Span] = set()
    start, previous = 0, OUTSIDE
    for i, tag in enumerate([*tags, OUTSIDE]):
        continues = tag[0] in "IEL" and previous[0] in "BI" and tag[2:] == previous[2:]
        if not continues:
            if previous != OUTSIDE:
                spans.add((start, i, previous[2:]))
            start = i
        previous = tag
    return spans


def each_word(tags: Sequence[str]) -> set[Span]:
    """Every word as a span: precision, recall and F1 then all equal the accuracy."""
    return {(i, i + 1, tag) for i, tag in enumerate(tags)}


ENTITIES = TagScheme("entity F1", entities, OUTSIDE)
WORDS = TagScheme("accuracy", each_word)


def scheme_of(tags: Iterable[str], name: str) -> TagScheme:
    """Entities where tags have the prefixes of chunks, else every word by itself.

    Raises StudyError for a single tag, and where only some tags have prefixes; ``name`` is that of
    the data.
    """
    unique = list(dict.fromkeys(tags))
    if len(unique) < 2:
        tag = next(iter(unique), "")
        lack = "no entity" if tag == OUTSIDE else "nothing to tell apart"
        raise StudyError(
            f"{name}: every word has the tag {tag!r}, so there is {lack}; is this the tag column?"
        )
    without_prefix = [tag for tag in unique if not _CHUNK.fullmatch(tag)]
    if not without_prefix:
        return ENTITIES
    if any(_PREFIXED.fullmatch(tag) for tag in unique):
        raise StudyError(
            f"{name}: some tags have a prefix as in B-place, but {without_prefix[0]!r} has none; "
            "expected O and B-, I-, E-, S- (or L-, U-), or tags without prefixes throughout"
        )
    return WORDS
