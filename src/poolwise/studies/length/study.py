"""Does the norm of [CLS] encode the sentence's length?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from poolwise.errors import StudyError
from poolwise.records import Finding
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.length.accumulator import NAME, QUESTION, LengthAccumulator
from poolwise.studies.study import Context
from poolwise.texts import DataKind, Texts


class Length:
    """Regresses the norms of [CLS] and of the mean, layer by layer, on the sentence's length.

    Lengths are in tokens, special tokens not counted, and in words. Beside the norms: how well the
    full vectors predict the length. Controls: the length of another sentence, texts of random
    words, and the norm before the LayerNorm's gain and bias, which is the same for all.

    The embedding pass should not cut texts into windows: a window's average has no norm of its own.
    """

    name = NAME
    takes: Sequence[DataKind] = ("texts",)
    question = QUESTION

    def __init__(self, data: Texts, seed: int = 0) -> None:
        self.data, self.seed = [data], seed

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding, from a pass over the texts and one over texts of random words.

        Raises StudyError where there is no text, and as ``LengthAccumulator.finding`` does.
        """
        (texts,) = self.data
        accumulator = LengthAccumulator(self.seed)
        readouts = accumulator.readouts(context.model)
        n_texts = 0
        for batch in context.model.extract(texts, readouts, **context.pass_options):
            n_texts += len(batch)
            accumulator.consume(batch)
        if not n_texts:
            raise StudyError(f"{texts.name} holds no text, so there is nothing to measure")
        control_texts = list(accumulator.control_texts())
        for batch in context.model.extract(control_texts, readouts, **context.pass_options):
            accumulator.consume(batch)
        with single_blas_thread():
            finding = accumulator.finding()
        source = {"texts": texts.name, "texts_sha256": texts.hash, "n_texts": n_texts}
        yield replace(finding, provenance={**source, **finding.provenance})
