"""The head of BERT's table 7: two BiLSTM layers and one linear layer, without CRF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from poolwise.progress import Progress
from poolwise.selection.splits import RowIndices
from poolwise.studies.tagging.corpus import TaggedCorpus, TagIds, f1
from poolwise.studies.tagging.features import Combine, Features

PUBLISHED_WIDTH, MIN_HIDDEN = 768, 32
BATCH_SIZE = 32
EPOCHS, PATIENCE = (5, 10_000), (2, 2_000)
"""(a, b): a times all of train, and b sentences more. On an encoder of 384 dimensions, three
thousand sentences then take about a minute on one core."""

LEARNING_RATE, DROPOUT = 2e-3, 0.3
THREADS = 1
"""Threads wait by spinning, and a step is short: on shared cores two are slower than one."""


def train_bilstm(
    features: Features, corpus: TaggedCorpus, tags: TagIds, *, seed: int, progress: Progress
) -> tuple[TagIds, TagIds]:
    """Predictions for the words of dev and of test, after training on ``tags`` of train's words.

    Adam trains until neither F1 nor loss on dev has improved for ``PATIENCE``; the predictions are
    those of the epoch with the highest F1. Advances ``progress`` by 1 in all.
    """
    n = len(corpus.splits.train)
    epochs, patience = (times + more // n for times, more in (EPOCHS, PATIENCE))
    best_f1, lowest_loss, stale, epoch = -1.0, np.inf, 0, 0
    predictions = (tags[:0], tags[:0])
    with _seeded(seed):
        training = TaggerTraining(features, corpus, tags, seed)
        while stale < patience and epoch < epochs:
            training.epoch()
            predicted, loss = training.predict(corpus.splits.dev)
            score = float(f1(corpus.span_counts(corpus.splits.dev, predicted).sum(axis=0)))
            stale = 0 if score > best_f1 or loss < lowest_loss else stale + 1
            if score > best_f1:
                predictions = predicted, training.predict(corpus.splits.test)[0]
            best_f1, lowest_loss = max(best_f1, score), min(lowest_loss, loss)
            progress.advance(1 / epochs)
            epoch += 1
    progress.advance(1 - epoch / epochs)
    return predictions


class TaggerTraining:
    """A head and its optimiser. The sentences of a batch have the same length: no padding."""

    def __init__(self, features: Features, corpus: TaggedCorpus, tags: TagIds, seed: int) -> None:
        self.features, self.corpus = features, corpus
        self.tags = corpus.tags.copy()
        self.tags[corpus.word_rows(corpus.splits.train)] = tags
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        _, layers, d = features.stacked(np.zeros(1, np.intp)).shape
        head = BiLSTMHead(layers, d, features.combine, len(corpus.tag_names))
        self.head = head.to(self.device)
        self.optimiser = torch.optim.Adam(self.head.parameters(), LEARNING_RATE)
        self.rng = np.random.default_rng(seed)

    def epoch(self) -> None:
        """Train on every sentence of train once."""
        self.head.train()
        batches = list(self._batches(self.corpus.splits.train))
        for i in self.rng.permutation(len(batches)):
            loss = self._loss(self._scores(batches[i]), batches[i])
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()

    @torch.inference_mode()
    def predict(self, sentences: RowIndices) -> tuple[TagIds, float]:
        """The best tag of each word of these sentences, and the loss summed over them."""
        self.head.eval()
        predicted, loss = np.zeros(len(self.tags), np.intp), 0.0
        for rows in self._batches(sentences):
            scores = self._scores(rows)
            predicted[rows.ravel()] = scores.argmax(1).cpu().numpy()
            loss += float(self._loss(scores, rows)) * rows.size
        return predicted[self.corpus.word_rows(sentences)], loss

    def _batches(self, sentences: RowIndices) -> Iterator[RowIndices]:
        """Rows of words [n, t] of at most ``BATCH_SIZE`` sentences of t words, in random order."""
        shuffled = self.rng.permutation(sentences)
        lengths = np.diff(self.corpus.offsets)[shuffled]
        for t in np.unique(lengths):
            starts = self.corpus.offsets[shuffled[lengths == t]]
            for i in range(0, len(starts), BATCH_SIZE):
                yield starts[i : i + BATCH_SIZE, None] + np.arange(t)

    def _scores(self, rows: RowIndices) -> Tensor:
        x = torch.from_numpy(self.features.stacked(rows.ravel()))
        scores: Tensor = self.head(x.reshape(*rows.shape, *x.shape[1:]).to(self.device))
        return scores

    def _loss(self, scores: Tensor, rows: RowIndices) -> Tensor:
        targets = torch.from_numpy(self.tags[rows.ravel()]).to(self.device)
        return nn.functional.cross_entropy(scores, targets)


class BiLSTMHead(nn.Module):
    """Hidden states of ``layers`` layers of d dimensions a word → scores of ``tags`` tags.

    A weighted sum has a softmax of learned weights and a learned scale (Peters et al. 2018,
    "Deep contextualized word representations", equation 1). The BiLSTM's output has 768 dimensions
    as published; for a narrower encoder half of its width, but at least 64.
    """

    def __init__(self, layers: int, d: int, combine: Combine, tags: int) -> None:
        super().__init__()
        self.combine = combine
        self.weights = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))
        inputs = layers * d if combine == "concat" else d
        self.dropout = nn.Dropout(DROPOUT)
        hidden = PUBLISHED_WIDTH // 2 if d >= PUBLISHED_WIDTH else max(d // 4, MIN_HIDDEN)
        self.lstm = nn.LSTM(
            inputs, hidden, 2, batch_first=True, bidirectional=True, dropout=DROPOUT
        )
        self.out = nn.Linear(2 * hidden, tags)

    def forward(self, states: Tensor) -> Tensor:
        """Hidden states [n, t, layers, d] → scores [n · t, tags]."""
        if self.combine == "weighted sum":
            x = self.scale * torch.einsum("ntsd,s->ntd", states, self.weights.softmax(0))
        else:
            x = states.flatten(2)
        outputs, _ = self.lstm(self.dropout(x))
        scores: Tensor = self.out(self.dropout(outputs))
        return scores.flatten(0, 1)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch with this seed and few threads; both are restored afterwards."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
