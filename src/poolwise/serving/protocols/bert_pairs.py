"""Two texts in one of bert-as-service's: ``a ||| b``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from poolwise.encoders.tokenizer.tokenizer import Tokenizer

SEPARATOR = "|||"

_PAIR = re.compile(r"^(.*) \|\|\| (.*)$")

Text = str | Sequence[str]


class PairFrame(NamedTuple):
    """The special tokens of a pair, and the token types of what stands after the first text."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    second_type: int


def split(text: Text) -> tuple[Text, Text] | None:
    """The two texts, or None where it is one."""
    if isinstance(text, str):
        found = SEPARATOR in text and _PAIR.match(text.strip())
        return (found[1], found[2]) if found else None
    if SEPARATOR not in text:
        return None
    place = [*text].index(SEPARATOR)
    return (text[:place], text[place + 1 :]) if place + 1 < len(text) else None


def pair_frame(tokenizer: Tokenizer) -> PairFrame | None:
    """How two texts are joined: [CLS] a [SEP] b [SEP], the second with token type 1; or as RoBERTa
    and its kin do, <s> a </s></s> b </s>, of one type. None where texts have another frame."""
    before, after = tokenizer.frame
    if len(before) != 1 or len(after) != 1:
        return None
    if tokenizer.token(after[0]) == "</s>":
        return PairFrame(before, (*after, *after), after, 0)
    return PairFrame(before, after, after, 1)


def cut(first: Sequence[int], second: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Both, shortened as the original does: the longer one, from its end, until they fit."""
    a, b = [*first], [*second]
    while len(a) + len(b) > room:
        longer = a if len(a) > len(b) else b
        longer.pop()
    return a, b
