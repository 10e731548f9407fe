"""The study: draw sentences, explain their [CLS] at every layer, answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Finding
from poolwise.selection.duplicates import without_duplicates
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.average.charts import charts
from poolwise.studies.average.numbers import family, numbers
from poolwise.studies.average.sentence_fits import SentenceFits, fit_sentences
from poolwise.studies.average.shares import FEWEST, layer_statistics
from poolwise.studies.average.verdict import notes, verdict
from poolwise.studies.study import Context
from poolwise.studies.unique_texts import TextData, unique_texts
from poolwise.texts import DataKind

MOST_TEXTS = 20_000


class Average:
    """The best convex combination of a sentence's own tokens, at each layer, against [CLS].

    Simplex-constrained least squares, exact. Controls: another sentence's tokens, equal weights, a
    random word explained in the same way, and weights without constraint. ``texts`` are different
    and not empty, and of those that the encoder reads alike one is measured; beyond 20,000 a sample
    is drawn.
    """

    name = "average"
    question = "Is [CLS] a weighted average of its sentence's tokens?"
    takes: Sequence[DataKind] = ("texts", "labels", "pairs")

    def __init__(self, data: TextData, seed: int = 0) -> None:
        texts = unique_texts(data)
        self.data, self.seed, self.given = [data], seed, len(texts)
        drawn = np.random.default_rng(seed).permutation(len(texts))[:MOST_TEXTS]
        self.texts = [texts[i] for i in drawn.tolist()]

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding, of a pass of its own.

        The states of two tokens a text lie on disk, 8 · (depth + 1) · width bytes a text. Raises
        StudyError for fewer than 30 texts with a token, states not finite, and a full disk.
        """
        model, name = context.model, self.data[0].name
        texts = without_duplicates(model, self.texts)
        read = fit_sentences(model, texts, self.seed, **context.pass_options)
        if len(read) < FEWEST:
            raise StudyError(
                f"{name}: {len(read)} different texts with a token in them; whether [CLS] is "
                f"an average can be measured from {FEWEST} on, and thousands make intervals narrow"
            )
        with single_blas_thread():
            found = list(layer_statistics(read))
            tested = family(found)
            drawn = list(charts(found, read))
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(found, tested),
            numbers=[*numbers(found, tested)],
            charts=drawn,
            notes=[*self._notes(model, read, len(texts)), *notes(found, tested)],
            provenance={
                "data": name,
                "texts measured": len(read),
                "seed": self.seed,
            },
        )

    def _notes(self, model: Model, read: SentenceFits, different: int) -> Iterator[str]:
        drawn = f", drawn from {self.given:,}" if self.given > len(self.texts) else ""
        yield f"{len(read):,} sentences{drawn}; each of {model.depth + 1} layers is explained alone"
        if copies := len(self.texts) - different:
            yield f"{copies:,} texts were left out: the encoder reads them as it reads others"
        if bare := different - len(read):
            yield f"{bare:,} texts were left out: the tokenizer leaves nothing of them"
        if alone := int((~read.paired).sum()):
            yield (
                f"{alone:,} sentences have no other of their length and are not part of what is "
                "compared with another sentence's tokens"
            )
        if cut := int((read.lengths == model.max_length).sum()):
            yield (
                f"{cut:,} sentences fill the {model.max_length} tokens that the encoder reads; "
                "what lies beyond is not part of them"
            )
        if wide := int((read.lengths > model.width).sum()):
            yield (
                f"{wide:,} sentences have as many tokens as a state has dimensions: any weights "
                "would explain everything, and are not counted there"
            )
