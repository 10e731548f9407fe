"""Orders of a text's tokens in which [CLS] is elsewhere than first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.records import TokenizedText, Tokens

Positions = NDArray[np.intp]

MAX_MIDDLE = 16
"""The highest position of a middle token: a readout names its position, ``token[16]@k``."""


def middle(n_tokens: ArrayLike) -> Positions:
    """The position of the middle token in sequences of ``n_tokens``, [CLS] and [SEP] counted.

    It is a token of the text, at 1 or later; a sequence without any has [CLS] as its middle, at 0.
    """
    return np.asarray(np.minimum((np.asarray(n_tokens, np.intp) - 1) // 2, MAX_MIDDLE))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """An order of tokens.

    ``order(t)`` gives, for a sequence of t tokens, the original position of each token that is
    read. It may be longer than t by ``n_added`` tokens.
    """

    name: str
    order: Callable[[int], list[int]]
    n_added: int = 0

    def __call__(self, text: TokenizedText) -> TokenizedText:
        """``text`` with every window rearranged, and its mask of special tokens likewise."""
        windows = tuple(self._reorder(window) for window in text.windows)
        change = len(windows[0]) - len(text.windows[0])
        return replace(text, windows=windows, n_tokens=text.n_tokens + change)

    def _reorder(self, tokens: Tokens) -> Tokens:
        order = self.order(len(tokens))
        return Tokens(tokens.ids[order], tokens.special[order])


def _swap_first_and_middle(t: int) -> list[int]:
    order, position = list(range(t)), int(middle(t))
    order[0], order[position] = order[position], order[0]
    return order


def _move_first_to_middle(t: int) -> list[int]:
    position = int(middle(t))
    return [*range(1, position + 1), 0, *range(position + 1, t)]


def _remove_first(t: int) -> list[int]:
    # A sequence of [CLS] alone keeps it: an empty sequence has no hidden states.
    return list(range(min(1, t - 1), t))


def _repeat_first(t: int) -> list[int]:
    return [0, *range(t)]


ARRANGEMENTS: Mapping[str, Arrangement] = {
    arrangement.name: arrangement
    for arrangement in (
        Arrangement("swapped", _swap_first_and_middle),
        Arrangement("moved", _move_first_to_middle),
        Arrangement("removed", _remove_first),
        Arrangement("repeated", _repeat_first, n_added=1),
    )
}
"""By name: [CLS] and the middle token swapped; [CLS] moved to the middle, the tokens before it one
position forward; [CLS] removed; [CLS] twice."""
