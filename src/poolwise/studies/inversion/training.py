"""Training a decoder, with checkpoints from which it resumes exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poolwise.progress import Progress
from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.studies.inversion.checkpoint import TrainingCheckpoint
from poolwise.studies.inversion.corpus import Corpus
from poolwise.studies.inversion.decoder import Decoder

EVAL_BATCH = 256
"""Sentences of a batch without gradients."""

IGNORE_INDEX = -100
"""The target of padding, which has no loss."""


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """``width`` of the embeddings, ``hidden`` of the GRU. AdamW's ``learning_rate`` rises over
    ``warmup`` batches and falls to 0 over all epochs; gradients are clipped to a norm of ``clip``.

    ``epochs`` (a, b): a times all of train, and b sentences more. Training ends sooner where the
    loss on dev has not improved for ``patience`` epochs. Some 8,000 short sentences then take about
    three minutes on one core.
    """

    width: int = 256
    hidden: int = 256
    dropout: float = 0.3
    learning_rate: float = 3e-3
    warmup: int = 50
    clip: float = 1.0
    batch_size: int = 64
    epochs: tuple[int, int] = (4, 32_000)
    patience: int = 2


DEFAULT_OPTIONS = DecoderOptions()


def train_decoder(
    vectors: Floats,
    corpus: Corpus,
    options: DecoderOptions,
    *,
    seed: int,
    checkpoint: TrainingCheckpoint,
    progress: Progress,
) -> DecoderTraining:
    """A decoder trained on the sentences of train and their ``vectors`` [n, d], with the weights of
    the lowest loss on dev.

    Resumes from ``checkpoint``; on a CPU the weights are then those of a training without
    interruption. Advances ``progress`` by ``exposures`` in all, however early training ends.
    """
    with _seeded(seed):
        training = DecoderTraining(vectors, corpus, options, seed)
        if (state := checkpoint.load()) is not None:
            training.restore(state)
        progress.advance(training.sentences_read)
        while not training.finished:
            training.epoch(checkpoint, progress)
        training.decoder.load_state_dict(training.best_weights)
        progress.advance(exposures(corpus, options) - training.sentences_read)
    return training


def exposures(corpus: Corpus, options: DecoderOptions) -> int:
    """The most sentences that a training reads, each once an epoch."""
    return _epochs(corpus, options) * len(corpus.splits.train)


def _epochs(corpus: Corpus, options: DecoderOptions) -> int:
    times, sentences = options.epochs
    return times + sentences // len(corpus.splits.train)


class DecoderTraining:
    """A decoder, its optimiser and its progress.

    The order of an epoch's batches depends on seed and epoch alone.
    """

    def __init__(self, vectors: Floats, corpus: Corpus, options: DecoderOptions, seed: int) -> None:
        self.corpus, self.options, self.seed = corpus, options, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.vectors = torch.from_numpy(vectors)
        d, n_indices = vectors.shape[1], corpus.n_indices
        decoder = Decoder(d, n_indices, options.width, options.hidden, options.dropout)
        self.decoder = decoder.to(self.device)
        self.optimiser = torch.optim.AdamW(self.decoder.parameters(), options.learning_rate)
        self.epochs = self.batches = self.sentences_read = self.stale_epochs = 0
        self.lowest_loss = float("inf")
        self.best_weights = self._weights()

    @property
    def finished(self) -> bool:
        """Whether all epochs are over, or dev has not improved for long enough."""
        stale = self.stale_epochs >= self.options.patience
        return stale or self.epochs >= _epochs(self.corpus, self.options)

    def epoch(self, checkpoint: TrainingCheckpoint, progress: Progress) -> None:
        """Train on the remaining batches of this epoch, then evaluate on dev."""
        self.decoder.train()
        batches = self._batches()
        for rows in batches[self.batches :]:
            self._step(rows, len(batches))
            self.batches += 1
            self.sentences_read += len(rows)
            progress.advance(len(rows))
            checkpoint.save(self.state)
        self.epochs, self.batches = self.epochs + 1, 0
        dev = self.corpus.splits.dev
        loss = float(self.losses(dev).sum() / (self.corpus.lengths[dev] + 1).sum())
        self.stale_epochs = 0 if loss < self.lowest_loss else self.stale_epochs + 1
        if loss < self.lowest_loss:
            self.lowest_loss = loss
            self.best_weights = self._weights()
        checkpoint.save(self.state, now=self.finished)

    @torch.inference_mode()
    def losses(
        self, rows: RowIndices, vector_rows: RowIndices | None = None
    ) -> NDArray[np.float64]:
        """−log likelihood of each sentence and its end, in nats, [n].

        Given its own vector or, with ``vector_rows`` [n], the vector of that row.
        """
        self.decoder.eval()
        vector_rows = rows if vector_rows is None else vector_rows
        losses = np.empty(len(rows))
        for at in self._by_length(rows):
            loss = self._loss(rows[at], vector_rows[at]).sum(1)
            losses[at] = loss.double().cpu().numpy()
        return losses

    def predict(self, rows: RowIndices) -> list[list[int]]:
        """The decoder's output for the vectors of these rows, in the encoder's ids."""
        self.decoder.eval()
        max_length = int(self.corpus.lengths[self.corpus.splits.train].max())
        batches = (rows[i : i + EVAL_BATCH] for i in range(0, len(rows), EVAL_BATCH))
        return [
            self.corpus.ids(indices)
            for batch in batches
            for indices in self.decoder.greedy(self._vectors(batch), max_length)
        ]

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on."""
        return {
            "decoder": self.decoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "best_weights": self.best_weights,
            **{name: getattr(self, name) for name in COUNTERS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Return to such a state."""
        self.decoder.load_state_dict(state["decoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.best_weights = state["best_weights"]
        for name in COUNTERS:
            setattr(self, name, state[name])

    def _weights(self) -> dict[str, Tensor]:
        return {name: x.clone() for name, x in self.decoder.state_dict().items()}

    def _step(self, rows: RowIndices, batches: int) -> None:
        steps = self.epochs * batches + self.batches
        decay = 1 - steps / (batches * _epochs(self.corpus, self.options))
        warmup = min(1, (steps + 1) / self.options.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * decay * warmup
        loss = self._loss(rows, rows).sum() / int((self.corpus.lengths[rows] + 1).sum())
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.decoder.parameters(), self.options.clip)
        self.optimiser.step()

    def _loss(self, rows: RowIndices, vector_rows: RowIndices) -> Tensor:
        """The loss of each target of these sentences [n, t + 1], 0 for padding."""
        targets = self._targets(rows)
        scores = self.decoder(self._vectors(vector_rows), targets[:, :-1].clamp(min=0))
        return nn.functional.cross_entropy(
            scores.transpose(1, 2), targets, ignore_index=IGNORE_INDEX, reduction="none"
        )

    def _vectors(self, rows: RowIndices) -> Tensor:
        return self.vectors[torch.from_numpy(rows)].to(self.device)

    def _targets(self, rows: RowIndices) -> Tensor:
        targets = [torch.from_numpy(self.corpus.targets[i]) for i in rows.tolist()]
        padded = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=IGNORE_INDEX)
        return padded.to(self.device)

    def _batches(self) -> list[RowIndices]:
        """Rows of train in batches of similar length, in an order of this epoch."""
        rng = np.random.default_rng((self.seed, self.epochs))
        train = self.corpus.splits.train
        lengths = self.corpus.lengths[train] + 3 * rng.random(len(train))
        by_length = train[np.argsort(lengths)]
        size = self.options.batch_size
        n_batches = len(range(0, len(train), size))
        return [by_length[size * i : size * (i + 1)] for i in rng.permutation(n_batches).tolist()]

    def _by_length(self, rows: RowIndices) -> Iterator[RowIndices]:
        """Positions in ``rows``, in batches of similar length."""
        order = np.argsort(self.corpus.lengths[rows], kind="stable")
        for start in range(0, len(order), EVAL_BATCH):
            yield order[start : start + EVAL_BATCH]


COUNTERS = ("epochs", "batches", "sentences_read", "stale_epochs", "lowest_loss")


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch with this seed; its random state is restored afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
