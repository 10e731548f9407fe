"""The study: sample sentences, approximate their [CLS] at every layer by their tokens."""

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
from poolwise.studies.average.verdict import evidence, notes, verdict
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
        self.data, self.seed, self.n_texts = [data], seed, len(texts)
        sampled = np.random.default_rng(seed).permutation(len(texts))[:MOST_TEXTS]
        self.texts = [texts[i] for i in sampled.tolist()]

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding, of a pass of its own.

        The states of two tokens a text lie on disk, 8 · (depth + 1) · width bytes a text. Raises
        StudyError for fewer than 30 texts with a token, states not finite, and a full disk.
        """
        model, name = context.model, self.data[0].name
        texts = without_duplicates(model, self.texts)
        fits = fit_sentences(model, texts, self.seed, **context.pass_options)
        if len(fits) < FEWEST:
            raise StudyError(
                f"{name}: {len(fits)} different texts with a token in them; whether [CLS] is "
                f"an average can be measured from {FEWEST} on, and thousands make intervals narrow"
            )
        with single_blas_thread():
            layers = list(layer_statistics(fits))
            tested = family(layers)
            layer_charts = list(charts(layers, fits))
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(layers, tested),
            evidence=evidence(layers, tested),
            numbers=[*numbers(layers, tested)],
            charts=layer_charts,
            notes=[*self._notes(model, fits, len(texts)), *notes(layers, tested)],
            provenance={
                "data": name,
                "texts measured": len(fits),
                "seed": self.seed,
            },
        )

    def _notes(self, model: Model, fits: SentenceFits, different: int) -> Iterator[str]:
        n = f"{len(fits):,} sentences"
        if self.n_texts > len(self.texts):
            n += f", drawn from {self.n_texts:,}"
        yield f"{n}; each of {model.depth + 1} layers is explained alone"
        if duplicates := len(self.texts) - different:
            yield f"{duplicates:,} texts were left out: the encoder reads them as it reads others"
        if empty := different - len(fits):
            yield f"{empty:,} texts were left out: the tokenizer leaves nothing of them"
        if unpaired := int((~fits.paired).sum()):
            yield (
                f"{unpaired:,} sentences have no other of their length and are not part of what is "
                "compared with another sentence's tokens"
            )
        if longest := int((fits.lengths == model.max_length).sum()):
            yield (
                f"{longest:,} sentences fill the {model.max_length} tokens that the encoder reads; "
                "what lies beyond is not part of them"
            )
        if unconstrained := int((fits.lengths > model.width).sum()):
            yield (
                f"{unconstrained:,} sentences have as many tokens as a state has dimensions: any "
                "weights would explain everything, and are not counted there"
            )
