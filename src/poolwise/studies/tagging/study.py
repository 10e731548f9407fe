"""The study: heads trained to tag words from frozen hidden states, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from poolwise.errors import needs
from poolwise.progress import Progress
from poolwise.records import Finding
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.study import Context
from poolwise.studies.tagging.alignment import align
from poolwise.studies.tagging.corpus import (
    TaggedCorpus,
    TagIds,
    build_corpus,
    check_tags,
    usable_sentences,
)
from poolwise.studies.tagging.experiment import (
    HeadResult,
    MixExperiment,
    Predictions,
    count_trainings,
)
from poolwise.studies.tagging.features import Features
from poolwise.studies.tagging.finding import build_finding
from poolwise.studies.tagging.vectors import extract_words
from poolwise.texts import DataKind, TaggedSentences

HeadName = Literal["linear", "bilstm"]

LINEAR, BILSTM = "a linear head", "a two-layer BiLSTM"

EQUAL_WEIGHTS = "a linear head takes the layers of a weighted sum with equal weights"
LEARNED_WEIGHTS = (
    "the BiLSTM learns the weights of a weighted sum; layers alone, beyond those of the table, are "
    "measured with the linear head"
)


class Tagging:
    """The protocol of BERT's table 7 (Devlin et al. 2019) on words with tags.

    A word's features are its first sub-token's hidden states, frozen: six mixes of layers and,
    under the linear head, every layer. The heads are a multinomial logistic regression on the word
    alone, and a two-layer BiLSTM over the sentence, without CRF. Entities are scored as
    ``conlleval`` scores them; tags that mark no entities (parts of speech) by their accuracy.
    Controls: the word's static embedding, its most frequent tag, and shuffled tags.

    Raises StudyError for sentences that are not tagged word for word, and for a single tag.
    """

    name = "tagging"
    question = "Which layers tell what each word is?"
    takes: Sequence[DataKind] = ("tags",)

    def __init__(
        self,
        data: TaggedSentences,
        *,
        seed: int = 0,
        restarts: int = 3,
        heads: Sequence[HeadName] = ("linear", "bilstm"),
    ) -> None:
        self.data, self.seed, self.restarts, self.heads = [data], seed, restarts, heads
        self._scheme = check_tags(data)

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding a head, each as soon as the head is trained.

        The hidden states of all words are on disk, 4 · (depth + 1) · width bytes a word. Raises
        StudyError for too few data, MissingExtraError for a BiLSTM without torch.
        """
        if "bilstm" in self.heads:
            with needs("torch", "the BiLSTM head of the tagging study"):
                import torch as _  # noqa: F401, PLC0415 - before the pass, not after it
        model, (data,) = context.model, self.data
        aligned = align(model, data.words)
        corpus = build_corpus(data, aligned, self._scheme, self.seed)
        sentences = list(usable_sentences(aligned).values())
        words = extract_words(model, sentences, **context.pass_options)
        experiment = MixExperiment(corpus, words, model.word_embeddings, self.seed)
        facts = self._facts(corpus)
        for head in self.heads:
            score = self._bilstm if head == "bilstm" else self._linear
            finding = build_finding(self.question, score(experiment, context.progress))
            yield replace(finding, provenance={**facts, "head": head})

    def _linear(self, experiment: MixExperiment, progress: bool) -> HeadResult:
        # Before the threads are limited: a BLAS that is loaded later is not.
        from poolwise.studies.tagging.linear import train_linear  # noqa: PLC0415

        with single_blas_thread(), Progress("layers", experiment.depth + 6, show=progress) as bar:

            def train(
                features: Features, corpus: TaggedCorpus, tags: TagIds, _: int
            ) -> Predictions:
                predictions = train_linear(features, corpus, tags)
                bar.advance(1)
                return predictions

            scores = experiment.run(train, 1, every_layer=True)
        return HeadResult(LINEAR, scores, experiment.corpus, 1, [EQUAL_WEIGHTS])

    def _bilstm(self, experiment: MixExperiment, progress: bool) -> HeadResult:
        from poolwise.studies.tagging.bilstm import train_bilstm  # noqa: PLC0415 - torch

        with Progress("BiLSTMs", count_trainings(self.restarts), show=progress) as bar:

            def train(
                features: Features, corpus: TaggedCorpus, tags: TagIds, restart: int
            ) -> Predictions:
                seed = self.seed + restart
                return train_bilstm(features, corpus, tags, seed=seed, progress=bar)

            scores = experiment.run(train, self.restarts, every_layer=False)
        notes = [LEARNED_WEIGHTS]
        return HeadResult(BILSTM, scores, experiment.corpus, self.restarts, notes)

    def _facts(self, corpus: TaggedCorpus) -> dict[str, Any]:
        train, dev, test = map(len, corpus.splits)
        return {
            "data": self.data[0].name,
            "data_sha256": self.data[0].hash,
            "rows": {"train": train, "dev": dev, "test": test},
            "seed": self.seed,
            "restarts": self.restarts,
        }
