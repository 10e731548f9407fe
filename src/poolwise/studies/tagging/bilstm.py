"""The head of BERT's table 7: two layers of BiLSTM, then one linear layer; no CRF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from poolwise.progress import Progress
from poolwise.studies.tagging.corpus import Rows, TaggedCorpus, f1
from poolwise.studies.tagging.features import Combine, Features

PUBLISHED, NARROWEST = 768, 32
SENTENCES = 32
EPOCHS, PATIENCE = (5, 10_000), (2, 2_000)
"""So many times all of train, and so many sentences more. Above an encoder of 384 dimensions, three
thousand sentences then take about a minute on one core."""

LEARNING_RATE, DROPOUT = 2e-3, 0.3
THREADS = 1
"""Threads wait by spinning, and a step is short: on shared cores two are slower than one."""


def bilstm(
    features: Features, corpus: TaggedCorpus, tags: Rows, *, seed: int, progress: Progress
) -> tuple[Rows, Rows]:
    """Guesses for the words of dev and of test, having learned ``tags`` of the words of train.

    Adam trains until dev has long improved neither in F1 nor in loss; the epoch of the best F1
    speaks. Advances ``progress`` by 1 in all.
    """
    n = len(corpus.splits.train)
    epochs, patience = (times + more // n for times, more in (EPOCHS, PATIENCE))
    best, lowest, stale, done = -1.0, np.inf, 0, 0
    guesses = (tags[:0], tags[:0])
    with _settled(seed):
        training = TaggerTraining(features, corpus, tags, seed)
        while stale < patience and done < epochs:
            training.epoch()
            guess, loss = training.guess(corpus.splits.dev)
            score = float(f1(corpus.counts(corpus.splits.dev, guess).sum(axis=0)))
            stale = 0 if score > best or loss < lowest else stale + 1
            if score > best:
                guesses = guess, training.guess(corpus.splits.test)[0]
            best, lowest = max(best, score), min(lowest, loss)
            progress.advance(1 / epochs)
            done += 1
    progress.advance(1 - done / epochs)
    return guesses


class TaggerTraining:
    """A head under way. Batches hold sentences of equal length, so that nothing is padded."""

    def __init__(self, features: Features, corpus: TaggedCorpus, tags: Rows, seed: int) -> None:
        self.features, self.corpus = features, corpus
        self.tags = corpus.tags.copy()
        self.tags[corpus.rows(corpus.splits.train)] = tags
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        _, sources, d = features.layers(np.zeros(1, np.intp)).shape
        head = Head(sources, d, features.combine, len(corpus.names))
        self.head = head.to(self.device)
        self.optimiser = torch.optim.Adam(self.head.parameters(), LEARNING_RATE)
        self.rng = np.random.default_rng(seed)

    def epoch(self) -> None:
        """Learn from every sentence of train once."""
        self.head.train()
        batches = list(self._batches(self.corpus.splits.train))
        for i in self.rng.permutation(len(batches)):
            loss = self._loss(self._scores(batches[i]), batches[i])
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()

    @torch.inference_mode()
    def guess(self, sentences: Rows) -> tuple[Rows, float]:
        """The best tag of each word of these sentences, and the loss summed over them."""
        self.head.eval()
        found, loss = np.zeros(len(self.tags), np.intp), 0.0
        for rows in self._batches(sentences):
            scores = self._scores(rows)
            found[rows.ravel()] = scores.argmax(1).cpu().numpy()
            loss += float(self._loss(scores, rows)) * rows.size
        return found[self.corpus.rows(sentences)], loss

    def _batches(self, sentences: Rows) -> Iterator[Rows]:
        """Rows of words [n, t] of at most ``SENTENCES`` sentences of t words, drawn anew."""
        drawn = self.rng.permutation(sentences)
        lengths = np.diff(self.corpus.offsets)[drawn]
        for t in np.unique(lengths):
            starts = self.corpus.offsets[drawn[lengths == t]]
            for i in range(0, len(starts), SENTENCES):
                yield starts[i : i + SENTENCES, None] + np.arange(t)

    def _scores(self, rows: Rows) -> Tensor:
        x = torch.from_numpy(self.features.layers(rows.ravel()))
        scores: Tensor = self.head(x.reshape(*rows.shape, *x.shape[1:]).to(self.device))
        return scores

    def _loss(self, scores: Tensor, rows: Rows) -> Tensor:
        wanted = torch.from_numpy(self.tags[rows.ravel()]).to(self.device)
        return nn.functional.cross_entropy(scores, wanted)


class Head(nn.Module):
    """``sources`` states of d dimensions a word → scores of ``tags``.

    A weighted sum has a softmax of learned weights and a learned scale (Peters et al. 2018,
    "Deep contextualized word representations", equation 1). The BiLSTM gives 768 dimensions as
    published; above an encoder of fewer, half of its width, but at least 64.
    """

    def __init__(self, sources: int, d: int, combine: Combine, tags: int) -> None:
        super().__init__()
        self.combine = combine
        self.weights = nn.Parameter(torch.zeros(sources))
        self.scale = nn.Parameter(torch.ones(()))
        given = sources * d if combine == "concat" else d
        self.dropout = nn.Dropout(DROPOUT)
        each_way = PUBLISHED // 2 if d >= PUBLISHED else max(d // 4, NARROWEST)
        self.lstm = nn.LSTM(
            given, each_way, 2, batch_first=True, bidirectional=True, dropout=DROPOUT
        )
        self.out = nn.Linear(2 * each_way, tags)

    def forward(self, states: Tensor) -> Tensor:
        """States [n, t, sources, d] → scores [n · t, tags]."""
        if self.combine == "weighted sum":
            x = self.scale * torch.einsum("ntsd,s->ntd", states, self.weights.softmax(0))
        else:
            x = states.flatten(2)
        made, _ = self.lstm(self.dropout(x))
        scores: Tensor = self.out(self.dropout(made))
        return scores.flatten(0, 1)


@contextmanager
def _settled(seed: int) -> Iterator[None]:
    """Torch with this seed and few threads; afterwards as it was before."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
