"""Encoders that find [CLS] elsewhere than in front: twice, in the middle, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.errors import EncoderError
from poolwise.records import TokenizedText, Tokens

if TYPE_CHECKING:
    from poolwise.encoders.encoder import Encoder

Positions = NDArray[np.intp]
AnyEncoder = TypeVar("AnyEncoder", bound="Encoder")

REACH = 16
"""The last position that counts as a middle: readouts name positions, and some must be the last."""


def middle(n_tokens: ArrayLike) -> Positions:
    """Where the middle token of a sequence stands, among ``n_tokens`` with [CLS] and [SEP].

    It is one of the text's own, 1 or later; in a sequence without any it is [CLS].
    """
    return np.asarray(np.minimum((np.asarray(n_tokens, np.intp) - 1) // 2, REACH))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which tokens stand where. ``order(t)``: of a sequence of t tokens, the positions of those
    that are read, from the first to the last. It may be longer by ``more`` tokens."""

    name: str
    order: Callable[[int], list[int]]
    more: int = 0

    def __call__(self, text: TokenizedText) -> TokenizedText:
        """The text, every window of it rearranged; the marks of special tokens move along."""
        windows = tuple(self._applied(window) for window in text.windows)
        change = len(windows[0]) - len(text.windows[0])
        return replace(text, windows=windows, n_tokens=text.n_tokens + change)

    def _applied(self, tokens: Tokens) -> Tokens:
        order = self.order(len(tokens))
        return Tokens(tokens.ids[order], tokens.special[order])


def rearranged(encoder: AnyEncoder, name: str) -> AnyEncoder:
    """The same encoder, its tokens in one of ``ARRANGEMENTS``; the weights are shared.

    An encoder knows the order of tokens by their positions alone, absolute or relative: to exchange
    two tokens is to exchange their positions. A text reads on to the same word, or to one word
    less where a second [CLS] would not fit. Raises EncoderError where there is no [CLS] to place.
    """
    made = ARRANGEMENTS[name]
    frame = encoder.tokenizer.frame
    if encoder.arrangement is not None:
        raise EncoderError(f"{encoder.name} is rearranged already; rearrange the original instead")
    if not frame.before:
        raise EncoderError(
            f"{encoder.name}: its tokenizer puts no token before a text, so there is no [CLS] that "
            "could stand elsewhere"
        )
    needed = len(frame.before) + len(frame.after) + 1 + made.more
    if encoder.max_length < needed:
        raise EncoderError(
            f"{encoder.name} reads {encoder.max_length} tokens; with [CLS] {name}, special tokens "
            f"and one word are {needed}: load it with a larger max_length"
        )
    return replace(
        encoder,
        name=f"{encoder.name} ([CLS] {name})",
        declared=None,
        arrangement=made,
        prompts=replace(encoder.prompts, pooled=True),
    )


def _swapped(t: int) -> list[int]:
    order, place = list(range(t)), int(middle(t))
    order[0], order[place] = order[place], order[0]
    return order


def _moved(t: int) -> list[int]:
    place = int(middle(t))
    return [*range(1, place + 1), 0, *range(place + 1, t)]


def _removed(t: int) -> list[int]:
    # A sequence of [CLS] alone keeps it: one of nothing cannot be read.
    return list(range(min(1, t - 1), t))


def _repeated(t: int) -> list[int]:
    return [0, *range(t)]


ARRANGEMENTS: Mapping[str, Arrangement] = {
    one.name: one
    for one in (
        Arrangement("swapped", _swapped),
        Arrangement("moved", _moved),
        Arrangement("removed", _removed),
        Arrangement("repeated", _repeated, more=1),
    )
}
"""[CLS] and the middle token exchange places; [CLS] moves to the middle, what was before it one
forward; it is removed; it stands there twice."""
