"""The study: sample sentences, attribute [CLS] to tokens, compare with the deletion of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.errors import StudyError
from poolwise.records import Finding
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.attention.agreement import agreement
from poolwise.studies.attention.charts import charts
from poolwise.studies.attention.deletion import delete_words
from poolwise.studies.attention.measures import measure
from poolwise.studies.attention.numbers import numbers
from poolwise.studies.attention.profiles import entropies, profiles
from poolwise.studies.attention.ranks import FEWEST_ROWS
from poolwise.studies.attention.verdict import evidence, notes, verdict
from poolwise.studies.study import Context
from poolwise.studies.unique_texts import TextData, unique_texts
from poolwise.texts import DataKind

SENTENCES, TOKENS = 500, 25_000
"""At most: sentences, and their tokens."""

UNTRAINED = 100
"""Sentences that the re-initialised encoder reads."""


class Attention:
    """The share of each token in [CLS]: raw attention, norms, Value Zeroing, and deletion.

    Texts are unique and not empty; a sample is drawn by ``seed``. Controls: a uniform head, a
    re-initialised encoder, shuffled shares, the letters of a word.
    """

    name = "attention"
    question = "Where does [CLS] look, and what does it take?"
    takes: Sequence[DataKind] = ("texts", "labels", "pairs")

    def __init__(self, data: TextData, seed: int = 0) -> None:
        self.data, self.texts, self.seed = [data], unique_texts(data), seed

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding, from passes of its own.

        Attention maps come from the transformers engine, always exact; ``precision`` is that of
        the vectors of sentences with a word left out. Raises StudyError below ``FEWEST_ROWS``
        sentences, MissingExtraError without torch.
        """
        model, progress = context.model, context.progress
        sampled = sample(model, self.texts, self.seed)
        groups = model.token_outputs(sampled.texts, attentions=True, progress=progress)
        by_sentence = profiles(model, groups, self.seed)
        untrained = reinitialize(model, self.seed).token_outputs(
            sampled.texts[:UNTRAINED], attentions=True, progress=progress
        )
        flat = np.concatenate([entropies(outputs) for outputs in untrained])
        with single_blas_thread():
            measures = measure(by_sentence, flat)
        with_deletions = delete_words(model, sampled.texts, **context.pass_options)
        agreed = agreement(model, with_deletions, self.seed, progress=progress)
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(measures, agreed),
            evidence=evidence(measures, agreed),
            numbers=list(numbers(measures, agreed)),
            charts=list(charts(measures, agreed)),
            notes=[*sampled.notes, *notes(model, measures, agreed, len(with_deletions))],
            provenance={
                "attention maps": "transformers, exact",
                "data": self.data[0].name,
                "sentences": len(by_sentence),
                "sentences of which words were left out": len(with_deletions),
                "seed": self.seed,
            },
        )


@dataclass(frozen=True, slots=True)
class SampledTexts:
    """The texts that are measured, and notes on those that are not."""

    texts: Sequence[str]
    notes: Sequence[str]


def sample(encoder: Encoder, texts: Sequence[str], seed: int) -> SampledTexts:
    """At most ``SENTENCES`` of the texts, and so many that they have ``TOKENS`` tokens."""
    order = np.random.default_rng(seed).permutation(len(texts))[:SENTENCES].tolist()
    tokenized = encoder.tokenize([texts[i] for i in order])
    special = len(encoder.tokenizer.frame.before) + len(encoder.tokenizer.frame.after)
    empty = sum(text.n_tokens == special for text in tokenized)
    usable, tokens, truncated, duplicates = [], 0, 0, 0
    known_ids: set[bytes] = set()
    for i, text in zip(order, tokenized, strict=True):
        ids = text.windows[0].ids.tobytes()
        if ids in known_ids and text.n_tokens > special:
            duplicates += 1
            continue
        known_ids.add(ids)
        tokens += len(text.windows[0])
        if tokens > TOKENS:
            break
        if text.n_tokens > special:
            usable.append(texts[i])
            truncated += text.truncated
    if len(usable) < FEWEST_ROWS:
        raise StudyError(
            f"{len(usable)} sentences with a word in them; what [CLS] looks at can be told from "
            f"{FEWEST_ROWS} on, and some hundreds make the intervals narrow: give more text"
        )
    note = f"{len(usable):,} of {len(texts):,} sentences, drawn with seed {seed}"
    if truncated:
        note += f"; {truncated:,} of them were cut to {encoder.max_length} tokens"
    if empty:
        note += f"; {empty:,} without a token of their own were left out"
    if duplicates:
        note += f"; {duplicates:,} that the encoder reads as it reads others were left out"
    return SampledTexts(usable, [note])
