"""Tagged sentences as the heads see them: words in rows, tags as numbers, three parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.selection.duplicates import factorize
from poolwise.selection.splits import Splits, split_rows
from poolwise.studies.tagging.alignment import AlignedSentence
from poolwise.studies.tagging.entities import TagScheme, scheme_of
from poolwise.texts import TaggedSentences

Rows = NDArray[np.intp]
SpanCounts = NDArray[np.float64]

SHARES = (0.7, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class TaggedCorpus:
    """n sentences, w words that have a vector.

    ``words`` [w] are their spellings; ``tags`` [w] number the tags' ``names``. Sentence i holds
    words ``offsets[i]`` to ``offsets[i + 1]``; ``splits`` hold sentences, and ``groups`` [n] number
    those that the encoder reads alike. ``notes`` say what was left out.
    """

    names: tuple[str, ...]
    words: Sequence[str]
    tags: Rows
    offsets: Rows
    splits: Splits
    scheme: TagScheme
    notes: tuple[str, ...] = ()
    groups: Rows | None = None

    def rows(self, sentences: Rows) -> Rows:
        """The words of these sentences, sentence by sentence."""
        spans = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in sentences]
        return np.concatenate(spans)

    def counts(self, sentences: Rows, guesses: Rows) -> SpanCounts:
        """Spans right, guessed and to be found in each sentence, [n, 3]; ``guesses`` number a tag
        for every word of these sentences."""
        ends = np.cumsum(np.diff(self.offsets)[sentences])
        cut = np.split(guesses, ends[:-1])
        found = [
            self.scheme.counts(
                self._named(self.tags[self.rows(sentences[[k]])]), self._named(guess)
            )
            for k, guess in enumerate(cut)
        ]
        return np.array(found, np.float64)

    def _named(self, tags: Rows) -> list[str]:
        return [self.names[tag] for tag in tags]


def check(data: TaggedSentences) -> TagScheme:
    """How the tags are to be read. Raises StudyError where they are not a tag a word, or alike."""
    for row, (words, tags) in enumerate(zip(data.words, data.tags, strict=True)):
        if len(words) != len(tags):
            raise StudyError(
                f"{data.name}: sentence {row} has {len(words)} words and {len(tags)} tags "
                f"({' '.join(words)[:40]!r}); expected a tag for each word"
            )
    return scheme_of((tag for tags in data.tags for tag in tags), data.name)


def f1(counts: SpanCounts) -> SpanCounts:
    """F1 of counts [..., 3]: spans right, guessed and to be found."""
    right, guessed, there = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * right / np.maximum(guessed + there, 1e-12))


def corpus(
    data: TaggedSentences, aligned: Sequence[AlignedSentence | None], scheme: TagScheme, seed: int
) -> TaggedCorpus:
    """The sentences that have words with a vector, which are those of ``usable``.

    Where the data have no part for tests, their dev part is reported on, as published figures of
    CoNLL-2003 are, and the choice is made on a part of train. Raises StudyError for too few
    sentences, and where a part has nothing to learn from or to find.
    """
    kept = usable(aligned)
    if not kept:
        raise StudyError(
            f"{data.name}: of {len(data)} sentences none has a word that the encoder's tokenizer "
            "knows how to read; is this text?"
        )
    sentences = [(row, one) for row, one in enumerate(aligned) if one is not None and row in kept]
    words = [data.words[row][word] for row, one in sentences for word in one.words.tolist()]
    tags = [data.tags[row][word] for row, one in sentences for word in one.words.tolist()]
    names = tuple(sorted(set(tags)))
    number = {name: i for i, name in enumerate(names)}
    sizes = [len(one.words) for _, one in sentences]
    declared = _declared([data.splits[row] for row, _ in sentences])
    made = TaggedCorpus(
        names=names,
        words=words,
        tags=np.array([number[tag] for tag in tags], np.intp),
        offsets=np.cumsum([0, *sizes]).astype(np.intp),
        splits=split_rows(declared, [(one.read,) for _, one in sentences], SHARES, seed),
        scheme=scheme,
        notes=tuple(_left_out(aligned)),
        groups=factorize([one.read for _, one in sentences]),
    )
    _check(data.name, made)
    return made


def usable(aligned: Sequence[AlignedSentence | None]) -> dict[int, AlignedSentence]:
    """The sentences that have a word with a vector, by number."""
    return {row: one for row, one in enumerate(aligned) if one is not None and len(one.words)}


def _declared(splits: Sequence[str]) -> list[str]:
    if "test" in splits:
        return list(splits)
    return ["test" if part == "dev" else part for part in splits]


def _check(name: str, made: TaggedCorpus) -> None:
    for part in ("train", "dev", "test"):
        present = {made.names[tag] for tag in made.tags[made.rows(getattr(made.splits, part))]}
        if present <= {made.scheme.outside}:
            raise StudyError(
                f"{name}: no entity in the {part} part (every word there has the tag "
                f"{made.scheme.outside!r}); give more sentences, or another part"
            )
        if part == "train" and len(present) < 2:
            raise StudyError(
                f"{name}: every word of the train part has the tag {present.pop()!r}; a head needs "
                "two tags to tell apart"
            )


def _left_out(aligned: Sequence[AlignedSentence | None]) -> Iterator[str]:
    unread = sum(one is None for one in aligned)
    empty = sum(one is not None and not len(one.words) for one in aligned)
    cut = [one.cut for one in aligned if one is not None and one.cut]
    bare = sum(one.bare for one in aligned if one is not None)
    if unread:
        yield (
            f"{unread:,} sentences were left out: the tokenizer merges their words, so no token "
            "belongs to one word"
        )
    if empty:
        yield f"{empty:,} sentences were left out: they have no word that the tokenizer reads"
    if cut:
        yield (
            f"{sum(cut):,} words of {len(cut):,} sentences lie beyond the encoder's maximum "
            "length: neither learned from nor asked for"
        )
    if bare:
        yield f"{bare:,} words leave no token (control characters and the like) and were left out"
