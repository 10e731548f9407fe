"""The study: draw sentences, look into them, hold every way against what really moves [CLS]."""

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
from poolwise.studies.attention.verdict import notes, verdict
from poolwise.studies.study import Context
from poolwise.studies.unique_texts import TextData, unique_texts
from poolwise.texts import DataKind

SENTENCES, TOKENS = 500, 25_000
"""At most: sentences, and their tokens."""

UNTRAINED = 100
"""Sentences that the re-initialised encoder reads."""


class Attention:
    """Where [CLS] looks, and what it takes: raw attention, norms, Value Zeroing, and deletion.

    ``texts`` are unique and not empty; outputs are drawn by ``seed``. Controls: a head that looks
    everywhere alike, a re-initialised encoder, shuffled shares, the letters of a word.
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
        drawn = draw(model, self.texts, self.seed)
        groups = model.token_outputs(drawn.texts, attentions=True, progress=progress)
        seen = profiles(model, groups, self.seed)
        untrained = reinitialize(model, self.seed).token_outputs(
            drawn.texts[:UNTRAINED], attentions=True, progress=progress
        )
        flat = np.concatenate([entropies(outputs) for outputs in untrained])
        with single_blas_thread():
            measures = measure(seen, flat)
        deleted = delete_words(model, drawn.texts, **context.pass_options)
        agreed = agreement(model, deleted, self.seed, progress=progress)
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(measures, agreed),
            numbers=list(numbers(measures, agreed)),
            charts=list(charts(measures, agreed)),
            notes=[*drawn.notes, *notes(model, measures, agreed, len(deleted))],
            provenance={
                "attention maps": "transformers, exact",
                "data": self.data[0].name,
                "sentences": len(seen),
                "sentences of which words were left out": len(deleted),
                "seed": self.seed,
            },
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """The texts that are measured, and what was left aside."""

    texts: Sequence[str]
    notes: Sequence[str]


def draw(encoder: Encoder, texts: Sequence[str], seed: int) -> Drawn:
    """At most ``SENTENCES`` of the texts, and so many that they have ``TOKENS`` tokens."""
    order = np.random.default_rng(seed).permutation(len(texts))[:SENTENCES].tolist()
    read = encoder.tokenize([texts[i] for i in order])
    special = len(encoder.tokenizer.frame.before) + len(encoder.tokenizer.frame.after)
    empty = sum(text.n_tokens == special for text in read)
    chosen, tokens, cut, copies = [], 0, 0, 0
    seen: set[bytes] = set()
    for i, text in zip(order, read, strict=True):
        ids = text.windows[0].ids.tobytes()
        if ids in seen and text.n_tokens > special:
            copies += 1
            continue
        seen.add(ids)
        tokens += len(text.windows[0])
        if tokens > TOKENS:
            break
        if text.n_tokens > special:
            chosen.append(texts[i])
            cut += text.truncated
    if len(chosen) < FEWEST_ROWS:
        raise StudyError(
            f"{len(chosen)} sentences with a word in them; what [CLS] looks at can be told from "
            f"{FEWEST_ROWS} on, and some hundreds make the intervals narrow: give more text"
        )
    said = f"{len(chosen):,} of {len(texts):,} sentences, drawn with seed {seed}"
    if cut:
        said += f"; {cut:,} of them were cut to {encoder.max_length} tokens"
    if empty:
        said += f"; {empty:,} without a token of their own were left out"
    if copies:
        said += f"; {copies:,} that the encoder reads as it reads others were left out"
    return Drawn(chosen, [said])
