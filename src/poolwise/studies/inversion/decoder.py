"""The autoregressive decoder from a vector to a sentence's tokens: a small GRU."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poolwise.studies.inversion.corpus import END, UNKNOWN


class Decoder(nn.Module):
    """A GRU conditioned on a vector of d dimensions, over ``n_indices`` output indices.

    The vector is projected to the first state, and added to the embedding of every input token.
    Beyond the GRU it adds a score to every index, the same at each step: which tokens the sentence
    contains is learned at once, and the GRU learns their order. Input and output share their
    embeddings (Press & Wolf 2017).
    """

    def __init__(self, d: int, n_indices: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_indices, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.scale = 0.3 * width**0.5
        self.vector_to_input = nn.Linear(d, width)
        self.vector_to_state = nn.Linear(d, hidden)
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.state_to_output = nn.Linear(hidden, width)
        self.vector_to_output = nn.Linear(d, width, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(n_indices))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, prefix: Tensor) -> Tensor:
        """Scores [n, t + 1, n_indices] of the first token, and of that after each of ``prefix``
        [n, t]."""
        inputs = nn.functional.pad(self._embed(prefix), (0, 0, 1, 0))
        inputs = self.dropout(inputs + self.vector_to_input(vectors)[:, None])
        states, _ = self.gru(inputs, self._initial_state(vectors))
        return self._scores(states, vectors)

    @torch.inference_mode()
    def greedy(self, vectors: Tensor, max_length: int) -> list[list[int]]:
        """The most likely index at each step until ``END``, at most ``max_length`` of them."""
        state, condition = self._initial_state(vectors), self.vector_to_input(vectors)
        inputs = torch.zeros_like(condition)
        ended = torch.zeros_like(condition[:, 0], dtype=torch.bool)
        steps: list[NDArray[np.int64]] = []
        while len(steps) < max_length and not ended.all():
            output, state = self.gru((inputs + condition)[:, None], state)
            scores = self._scores(output, vectors)[:, 0]
            scores[:, UNKNOWN] = -torch.inf
            indices = scores.argmax(1)
            ended |= indices == END
            inputs = self._embed(indices)
            steps.append(indices.cpu().numpy())
        return [_until_end(row) for row in np.array(steps).T.tolist()]

    def _initial_state(self, vectors: Tensor) -> Tensor:
        state: Tensor = self.vector_to_state(vectors).tanh()[None]
        return state

    def _embed(self, indices: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(indices) * self.scale
        return embedded

    def _scores(self, states: Tensor, vectors: Tensor) -> Tensor:
        outputs = self.state_to_output(self.dropout(states))
        outputs = outputs + self.vector_to_output(vectors)[:, None]
        return nn.functional.linear(outputs, self.embedding.weight, self.output_bias)


def _until_end(indices: list[int]) -> list[int]:
    return indices[: indices.index(END)] if END in indices else indices
