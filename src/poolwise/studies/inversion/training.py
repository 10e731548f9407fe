"""Training a decoder, so that it can be stopped at any moment and goes on."""

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

TOGETHER = 256
"""Sentences read at a time where nothing is learned."""

NOTHING = -100
"""In place of a number where a sentence is over: no loss."""


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """``width`` of the embeddings, ``hidden`` of the GRU. AdamW's ``rate`` rises over ``warm_up``
    batches and falls to 0 over all epochs; gradients are clipped to a norm of ``clip``.

    ``epochs``: so many times all of train, and so many sentences more. Training ends sooner where
    dev has not improved for ``patience`` epochs. Some 8,000 short sentences then take about three
    minutes on one core.
    """

    width: int = 256
    hidden: int = 256
    dropout: float = 0.3
    rate: float = 3e-3
    warm_up: int = 50
    clip: float = 1.0
    batch: int = 64
    epochs: tuple[int, int] = (4, 32_000)
    patience: int = 2


SETTINGS = DecoderOptions()


def train(
    vectors: Floats,
    corpus: Corpus,
    settings: DecoderOptions,
    *,
    seed: int,
    checkpoint: TrainingCheckpoint,
    progress: Progress,
) -> DecoderTraining:
    """A decoder that has learned to say the sentences of train from ``vectors`` [n, d].

    Begins where ``checkpoint`` ends; on a CPU the weights are then those of a training that was
    never stopped. Advances ``progress`` by ``exposures``, sooner where training ends sooner.
    """
    with _settled(seed):
        training = DecoderTraining(vectors, corpus, settings, seed)
        if (state := checkpoint.read()) is not None:
            training.restore(state)
        progress.advance(training.seen)
        while not training.over:
            training.epoch(checkpoint, progress)
        training.decoder.load_state_dict(training.best)
        progress.advance(exposures(corpus, settings) - training.seen)
    return training


def exposures(corpus: Corpus, settings: DecoderOptions) -> int:
    """Sentences that a training reads at most, a sentence once an epoch."""
    return _epochs(corpus, settings) * len(corpus.splits.train)


def _epochs(corpus: Corpus, settings: DecoderOptions) -> int:
    times, more = settings.epochs
    return times + more // len(corpus.splits.train)


class DecoderTraining:
    """A decoder under way, which has ``seen`` so many sentences.

    The order of an epoch's batches follows from seed and epoch alone.
    """

    def __init__(
        self, vectors: Floats, corpus: Corpus, settings: DecoderOptions, seed: int
    ) -> None:
        self.corpus, self.settings, self.seed = corpus, settings, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.vectors = torch.from_numpy(vectors)
        decoder = Decoder(
            vectors.shape[1], corpus.words, settings.width, settings.hidden, settings.dropout
        )
        self.decoder = decoder.to(self.device)
        self.optimiser = torch.optim.AdamW(self.decoder.parameters(), settings.rate)
        self.epochs_done = self.batches_done = self.seen = self.stale = 0
        self.lowest = float("inf")
        self.best = self._weights()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to learn."""
        waited = self.stale >= self.settings.patience
        return waited or self.epochs_done >= _epochs(self.corpus, self.settings)

    def epoch(self, checkpoint: TrainingCheckpoint, progress: Progress) -> None:
        """Learn from what is left of this epoch, then look at dev."""
        self.decoder.train()
        batches = self._batches()
        for rows in batches[self.batches_done :]:
            self._step(rows, len(batches))
            self.batches_done += 1
            self.seen += len(rows)
            progress.advance(len(rows))
            checkpoint.offer(self.state)
        self.epochs_done, self.batches_done = self.epochs_done + 1, 0
        dev = self.corpus.splits.dev
        loss = float(self.losses(dev).sum() / (self.corpus.lengths[dev] + 1).sum())
        self.stale = 0 if loss < self.lowest else self.stale + 1
        if loss < self.lowest:
            self.lowest = loss
            self.best = self._weights()
        checkpoint.offer(self.state, now=self.over)

    @torch.inference_mode()
    def losses(self, rows: RowIndices, given: RowIndices | None = None) -> NDArray[np.float64]:
        """−log likelihood of each sentence and its end, in nats, [n].

        Each from its own vector or, where ``given`` names others, from theirs.
        """
        self.decoder.eval()
        found = np.empty(len(rows))
        for at in self._by_length(rows):
            own, vectors = rows[at], (rows if given is None else given)[at]
            loss = self._loss(own, vectors).sum(1)
            found[at] = loss.double().cpu().numpy()
        return found

    def answers(self, rows: RowIndices) -> list[list[int]]:
        """What the decoder says to these sentences' vectors, in the encoder's ids."""
        self.decoder.eval()
        longest = int(self.corpus.lengths[self.corpus.splits.train].max())
        numbers = [
            said
            for start in range(0, len(rows), TOGETHER)
            for said in self.decoder.greedy(self._given(rows[start : start + TOGETHER]), longest)
        ]
        return [self.corpus.ids(said) for said in numbers]

    def state(self) -> dict[str, Any]:
        """All that decides how training goes on."""
        return {
            "decoder": self.decoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "best": self.best,
            **{name: getattr(self, name) for name in COUNTS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.decoder.load_state_dict(state["decoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.best = state["best"]
        for name in COUNTS:
            setattr(self, name, state[name])

    def _weights(self) -> dict[str, Tensor]:
        return {name: x.clone() for name, x in self.decoder.state_dict().items()}

    def _step(self, rows: RowIndices, batches: int) -> None:
        done = self.epochs_done * batches + self.batches_done
        left = 1 - done / (batches * _epochs(self.corpus, self.settings))
        rate = self.settings.rate * left * min(1, (done + 1) / self.settings.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self._loss(rows, rows).sum() / int((self.corpus.lengths[rows] + 1).sum())
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.decoder.parameters(), self.settings.clip)
        self.optimiser.step()

    def _loss(self, rows: RowIndices, given: RowIndices) -> Tensor:
        """Of each number of these sentences [n, t + 1], 0 beyond their ends."""
        wanted = self._padded(rows)
        scores = self.decoder(self._given(given), wanted[:, :-1].clamp(min=0))
        return nn.functional.cross_entropy(
            scores.transpose(1, 2), wanted, ignore_index=NOTHING, reduction="none"
        )

    def _given(self, rows: RowIndices) -> Tensor:
        return self.vectors[torch.from_numpy(rows)].to(self.device)

    def _padded(self, rows: RowIndices) -> Tensor:
        numbers = [torch.from_numpy(self.corpus.numbers[i]) for i in rows.tolist()]
        padded = nn.utils.rnn.pad_sequence(numbers, batch_first=True, padding_value=NOTHING)
        return padded.to(self.device)

    def _batches(self) -> list[RowIndices]:
        """Sentences of like length together, drawn anew each epoch."""
        rng = np.random.default_rng((self.seed, self.epochs_done))
        train = self.corpus.splits.train
        lengths = self.corpus.lengths[train] + 3 * rng.random(len(train))
        sorted_ = train[np.argsort(lengths)]
        size = self.settings.batch
        starts = range(0, len(train), size)
        return [sorted_[size * i : size * (i + 1)] for i in rng.permutation(len(starts)).tolist()]

    def _by_length(self, rows: RowIndices) -> Iterator[RowIndices]:
        """Places in ``rows``, those of like length together."""
        order = np.argsort(self.corpus.lengths[rows], kind="stable")
        for start in range(0, len(order), TOGETHER):
            yield order[start : start + TOGETHER]


COUNTS = ("epochs_done", "batches_done", "seen", "stale", "lowest")


@contextmanager
def _settled(seed: int) -> Iterator[None]:
    """Torch with this seed; afterwards as it was before."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
