"""The study: read words, let heads learn their tags, compare layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from poolwise.errors import needs
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.provenance import with_date
from poolwise.records import Finding, Precision
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.tagging.alignment import align
from poolwise.studies.tagging.answer import BILSTM, LINEAR, Answer
from poolwise.studies.tagging.corpus import Rows, TaggedCorpus, check, corpus, usable
from poolwise.studies.tagging.experiment import MixExperiment, Predictions, runs
from poolwise.studies.tagging.features import Features
from poolwise.studies.tagging.vectors import read_words
from poolwise.texts import TaggedSentences

HeadName = Literal["linear", "bilstm"]

EQUAL_WEIGHTS = "a linear head takes the layers of a weighted sum with equal weights"
LEARNED_WEIGHTS = (
    "the BiLSTM learns the weights of a weighted sum; layers alone, beyond those of the table, are "
    "measured with the linear head"
)


class Tagging:
    """The protocol of BERT's table 7 (Devlin et al. 2019) on words with tags.

    A word is its first sub-token's hidden state. Six mixes of layers, and under the linear head
    every layer, are frozen features of a head that learns the tags: a multinomial logistic
    regression on the word alone, and a two-layer BiLSTM over the sentence, without CRF. Entities
    are scored as ``conlleval`` scores them; tags that mark no entities (parts of speech) by their
    accuracy. Controls: the word's static embedding, its most frequent tag, and shuffled tags.

    Raises StudyError for sentences that are not tagged word for word, and for a single tag.
    """

    name = "tagging"
    question = "Which layers tell what each word is?"

    def __init__(
        self,
        data: TaggedSentences,
        *,
        seed: int = 0,
        restarts: int = 3,
        heads: Sequence[HeadName] = ("linear", "bilstm"),
    ) -> None:
        self.data, self.seed, self.restarts, self.heads = data, seed, restarts, heads
        self._scheme = check(data)

    def run(
        self, model: Model, *, precision: Precision = "exact", progress: bool = False
    ) -> Iterator[Finding]:
        """One finding a head, each as soon as it is there.

        A pass of its own: it reads tokens, where others read sentences. Vectors of all words lie
        on disk, 4 · (depth + 1) · width bytes a word. Raises StudyError where the data cannot carry
        an answer, MissingExtraError for a BiLSTM without torch.
        """
        if "bilstm" in self.heads:
            with needs("torch", "the BiLSTM head of the tagging study"):
                import torch as _  # noqa: F401, PLC0415 - before the pass, not after it
        aligned = align(model, self.data.words)
        read = corpus(self.data, aligned, self._scheme, self.seed)
        words = read_words(
            model, list(usable(aligned).values()), precision=precision, progress=progress
        )
        bench = MixExperiment(read, words, model.word_embeddings, self.seed)
        made = with_date(model.provenance(precision) | self._facts(read))
        for head in self.heads:
            answer = self._bilstm if head == "bilstm" else self._linear
            found = answer(bench, progress).finding()
            yield replace(found, provenance={**made, "head": head})

    def _linear(self, bench: MixExperiment, progress: bool) -> Answer:
        # Before the threads are limited: a BLAS that is loaded later is not.
        from poolwise.studies.tagging.linear import linear  # noqa: PLC0415

        with single_blas_thread(), Progress("layers", bench.depth + 6, show=progress) as bar:

            def head(features: Features, read: TaggedCorpus, tags: Rows, _: int) -> Predictions:
                found = linear(features, read, tags)
                bar.advance(1)
                return found

            contest = bench.hold(head, 1, every_layer=True)
        return Answer(self.question, LINEAR, contest, bench.corpus, 1, [EQUAL_WEIGHTS])

    def _bilstm(self, bench: MixExperiment, progress: bool) -> Answer:
        from poolwise.studies.tagging.bilstm import bilstm  # noqa: PLC0415 - torch

        with Progress("BiLSTMs", runs(self.restarts), show=progress) as bar:

            def head(
                features: Features, read: TaggedCorpus, tags: Rows, restart: int
            ) -> Predictions:
                return bilstm(features, read, tags, seed=self.seed + restart, progress=bar)

            contest = bench.hold(head, self.restarts, every_layer=False)
        notes = [LEARNED_WEIGHTS]
        return Answer(self.question, BILSTM, contest, bench.corpus, self.restarts, notes)

    def _facts(self, read: TaggedCorpus) -> dict[str, Any]:
        train, dev, test = map(len, read.splits)
        return {
            "data": self.data.name,
            "data_sha256": self.data.hash,
            "rows": {"train": train, "dev": dev, "test": test},
            "seed": self.seed,
            "restarts": self.restarts,
        }
