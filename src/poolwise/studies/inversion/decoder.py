"""From a vector to a sentence, token by token: a small recurrent network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poolwise.studies.inversion.corpus import END, UNKNOWN


class Decoder(nn.Module):
    """A GRU that reads a vector of d dimensions and says one of ``words`` numbers at a time.

    The vector is the prefix: it makes the first state, and stands beside every token that is read.
    Beyond the GRU it adds a score of its own to every word, the same at each step: which words
    there are is learned at once, so that the GRU has their order to learn. Input and output share
    their embeddings (Press & Wolf 2017).
    """

    def __init__(self, d: int, words: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.scale = 0.3 * width**0.5
        self.beside = nn.Linear(d, width)
        self.first = nn.Linear(d, hidden)
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.narrow = nn.Linear(hidden, width)
        self.there = nn.Linear(d, width, bias=False)
        self.often = nn.Parameter(torch.zeros(words))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, before: Tensor) -> Tensor:
        """Scores [n, t + 1, words] for what comes first, and after each of ``before`` [n, t]."""
        read = nn.functional.pad(self._embedded(before), (0, 0, 1, 0))
        states, _ = self.gru(
            self.dropout(read + self.beside(vectors)[:, None]), self._start(vectors)
        )
        return self._scores(states, vectors)

    @torch.inference_mode()
    def greedy(self, vectors: Tensor, longest: int) -> list[list[int]]:
        """The most likely number after the other until ``END``, at most ``longest`` of them."""
        state, beside = self._start(vectors), self.beside(vectors)
        read, over = torch.zeros_like(beside), torch.zeros_like(beside[:, 0], dtype=torch.bool)
        said: list[NDArray[np.int64]] = []
        while len(said) < longest and not over.all():
            made, state = self.gru((read + beside)[:, None], state)
            scores = self._scores(made, vectors)[:, 0]
            scores[:, UNKNOWN] = -torch.inf
            word = scores.argmax(1)
            over |= word == END
            read = self._embedded(word)
            said.append(word.cpu().numpy())
        return [_until_end(row) for row in np.array(said).T.tolist()]

    def _start(self, vectors: Tensor) -> Tensor:
        state: Tensor = self.first(vectors).tanh()[None]
        return state

    def _embedded(self, words: Tensor) -> Tensor:
        found: Tensor = self.embedding(words) * self.scale
        return found

    def _scores(self, states: Tensor, vectors: Tensor) -> Tensor:
        made = self.narrow(self.dropout(states)) + self.there(vectors)[:, None]
        return nn.functional.linear(made, self.embedding.weight, self.often)


def _until_end(numbers: list[int]) -> list[int]:
    return numbers[: numbers.index(END)] if END in numbers else numbers
