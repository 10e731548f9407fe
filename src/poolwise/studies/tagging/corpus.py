"""Tagged sentences as arrays: a row a word, tags as integers, split into train, dev and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.selection.duplicates import factorize
from poolwise.selection.splits import RowIndices, Splits, split_rows
from poolwise.studies.tagging.alignment import AlignedSentence
from poolwise.studies.tagging.entities import TagScheme, scheme_of
from poolwise.texts import TaggedSentences

TagIds = NDArray[np.intp]
SpanCounts = NDArray[np.float64]

SHARES = (0.7, 0.1, 0.2)
"""Of train, dev and test."""


@dataclass(frozen=True, slots=True)
class TaggedCorpus:
    """n sentences, w words that have a vector.

    ``words`` [w] are their spellings; ``tags`` [w] are indices into ``tag_names``. Sentence i has
    words ``offsets[i]`` to ``offsets[i + 1]``; ``splits`` are rows of sentences, and ``groups`` [n]
    numbers sentences of the same tokens alike. ``notes`` say what was left out.
    """

    tag_names: tuple[str, ...]
    words: Sequence[str]
    tags: TagIds
    offsets: RowIndices
    splits: Splits
    scheme: TagScheme
    notes: tuple[str, ...] = ()
    groups: RowIndices | None = None

    def word_rows(self, sentences: RowIndices) -> RowIndices:
        """The rows of these sentences' words, sentence by sentence."""
        spans = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in sentences]
        return np.concatenate(spans)

    def span_counts(self, sentences: RowIndices, predicted: TagIds) -> SpanCounts:
        """Spans correct, predicted and true in each sentence, [n, 3]; ``predicted`` is a tag for
        every word of these sentences."""
        ends = np.cumsum(np.diff(self.offsets)[sentences])
        counts = [
            self.scheme.counts(
                self._names(self.tags[self.word_rows(sentences[[k]])]), self._names(tags)
            )
            for k, tags in enumerate(np.split(predicted, ends[:-1]))
        ]
        return np.array(counts, np.float64)

    def _names(self, tags: TagIds) -> list[str]:
        return [self.tag_names[tag] for tag in tags]


def check_tags(data: TaggedSentences) -> TagScheme:
    """The scheme of the tags. Raises StudyError where there is not a tag for each word, and where
    all tags are the same."""
    for row, (words, tags) in enumerate(zip(data.words, data.tags, strict=True)):
        if len(words) != len(tags):
            raise StudyError(
                f"{data.name}: sentence {row} has {len(words)} words and {len(tags)} tags "
                f"({' '.join(words)[:40]!r}); expected a tag for each word"
            )
    return scheme_of((tag for tags in data.tags for tag in tags), data.name)


def f1(counts: SpanCounts) -> SpanCounts:
    """F1 of counts [..., 3]: spans correct, predicted and true."""
    correct, predicted, true = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * correct / np.maximum(predicted + true, 1e-12))


def build_corpus(
    data: TaggedSentences,
    aligned: Sequence[AlignedSentence | None],
    scheme: TagScheme,
    seed: int,
) -> TaggedCorpus:
    """The corpus of the ``usable_sentences``.

    Where the data have no test split, their dev split is reported on, as published figures of
    CoNLL-2003 are, and the choice is made on a part of train. Raises StudyError for too few
    sentences, and where a split has nothing to learn from or to find.
    """
    usable = usable_sentences(aligned)
    if not usable:
        raise StudyError(
            f"{data.name}: of {len(data)} sentences none has a word that the encoder's tokenizer "
            "knows how to read; is this text?"
        )
    rows, sentences = list(usable), list(usable.values())
    words = [(row, i) for row, sentence in usable.items() for i in sentence.words.tolist()]
    tags = [data.tags[row][i] for row, i in words]
    tag_names = tuple(sorted(set(tags)))
    tag_ids = {name: i for i, name in enumerate(tag_names)}
    declared = _declared_splits([data.splits[row] for row in rows])
    token_bytes = [sentence.token_bytes for sentence in sentences]
    corpus = TaggedCorpus(
        tag_names=tag_names,
        words=[data.words[row][i] for row, i in words],
        tags=np.array([tag_ids[tag] for tag in tags], np.intp),
        offsets=np.cumsum([0, *(len(sentence.words) for sentence in sentences)]).astype(np.intp),
        splits=split_rows(declared, [(key,) for key in token_bytes], SHARES, seed),
        scheme=scheme,
        notes=tuple(_omissions(aligned)),
        groups=factorize(token_bytes),
    )
    _check_splits(data.name, corpus)
    return corpus


def usable_sentences(aligned: Sequence[AlignedSentence | None]) -> dict[int, AlignedSentence]:
    """The sentences that have a word with a vector, by row."""
    return {
        row: sentence
        for row, sentence in enumerate(aligned)
        if sentence is not None and len(sentence.words)
    }


def _declared_splits(splits: Sequence[str]) -> list[str]:
    if "test" in splits:
        return list(splits)
    return ["test" if split == "dev" else split for split in splits]


def _check_splits(name: str, corpus: TaggedCorpus) -> None:
    for split in ("train", "dev", "test"):
        rows = corpus.word_rows(getattr(corpus.splits, split))
        present = {corpus.tag_names[tag] for tag in corpus.tags[rows]}
        if present <= {corpus.scheme.outside}:
            raise StudyError(
                f"{name}: no entity in the {split} part (every word there has the tag "
                f"{corpus.scheme.outside!r}); give more sentences, or another part"
            )
        if split == "train" and len(present) < 2:
            raise StudyError(
                f"{name}: every word of the train part has the tag {present.pop()!r}; a head needs "
                "two tags to tell apart"
            )


def _omissions(aligned: Sequence[AlignedSentence | None]) -> Iterator[str]:
    sentences = [sentence for sentence in aligned if sentence is not None]
    unaligned = len(aligned) - len(sentences)
    empty = sum(not len(sentence.words) for sentence in sentences)
    truncated = [sentence.n_truncated for sentence in sentences if sentence.n_truncated]
    untokenized = sum(sentence.n_untokenized for sentence in sentences)
    if unaligned:
        yield (
            f"{unaligned:,} sentences were left out: the tokenizer merges their words, so no token "
            "belongs to one word"
        )
    if empty:
        yield f"{empty:,} sentences were left out: they have no word that the tokenizer reads"
    if truncated:
        yield (
            f"{sum(truncated):,} words of {len(truncated):,} sentences lie beyond the encoder's "
            "maximum length: neither learned from nor asked for"
        )
    if untokenized:
        yield (
            f"{untokenized:,} words leave no token (control characters and the like) and were left "
            "out"
        )
