"""The texts that are sent: each kind shows one thing that a server can do differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

ProbeKind = Literal[
    "plain", "cased", "characters", "white space", "typed special tokens", "pairs", "empty", "long"
]

PLAIN = (
    "the old house on the hill",
    "a cat and a dog",
    "we ran to the sea",
    "red bird",
    "one small tree",
    "they saw you",
    "rain",
    "the man was in it",
    "no child sat there",
    "green paint",
    "two of us went",
    "not a big house",
    "who paid for the tickets",
    "nobody answered the phone",
    "seven letters lay on the table",
    "please turn the music down",
    "does salt water freeze",
    "our cat sleeps on warm books",
    "she sold bread and honey at the market",
    "copper is soft and easy to bend",
    "the second train is late again",
    "he learned to swim when he was forty",
    "my uncle repairs clocks and radios",
    "every window faces the sea",
)
"""Small letters, single spaces, no punctuation: however a text is cleaned, these stay the same."""

CASED = (
    "Anna met Mr Black in Paris on Monday",
    "NASA and IBM signed the DEAL",
    "The Old Man And The Sea",
    "iPhones cost MORE in March",
    "A Cat and a Dog",
    "RED BIRD",
)
"""The last two are plain texts but for their capitals: a cache may not tell them apart."""

CHARACTERS = (
    "cafe\u0301 nai\u0308ve re\u0301sume\u0301",  # decomposed
    "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00fcber stra\u00dfe",
    "\ufb01ve \uff21\uff22\uff23 \u00bd \u2460 x\u00b2",  # compatible forms
    "\u201cquoted\u201d \u2013 price 5\u20ac",
    "\u0434\u043e\u0431\u0440\u044b\u0439 \u0434\u0435\u043d\u044c \u65e5\u672c\u8a9e",
)

WHITE_SPACE = (
    "first line\nsecond line\n\nlast line",
    "  two  spaces   before and between ",
    "a tab\tand a break\r\nhere",
)

TYPED = (
    "the {sep} token typed",
    "{cls} at the start",
    "one {sep} {sep} two {mask} three",
)
"""Filled with the special tokens of the model's own tokenizer."""

PAIRS = (
    "where is the station ||| it is behind the church",
    "the soup is hot ||| wait a little",
    "who came ||| my sister and her dog",
)
"""Two texts with the separator of bert-as-service between them."""

EMPTY = ("", " ")

_SENTENCES = (
    "the boat left the harbour before dawn and the men on deck said nothing",
    "a long table stood under the trees with plates for twelve people",
    "in winter the road to the mine is closed for weeks at a time",
    "she wrote the names of all the streets in a small red book",
    "after the meeting we walked along the canal and talked about work",
    "the price of wheat fell by a third while the price of oil rose",
    "no one could say who had painted the door or why it was blue",
)

GROWTH = 1.25
"""Of the lengths of the long texts, each to the one before."""

SHORTEST_LONG = 10


def long_lengths(longest: int) -> list[int]:
    """Numbers of tokens from SHORTEST_LONG to a little more than ``longest``."""
    lengths = [SHORTEST_LONG]
    while lengths[-1] <= longest:
        lengths.append(max(lengths[-1] + 2, round(lengths[-1] * GROWTH)))
    return lengths


def long_texts(longest: int, count: Callable[[Sequence[str]], Sequence[int]]) -> list[str]:
    """Texts of about ``long_lengths(longest)`` tokens, as ``count`` has it, all different."""
    words = " ".join(_SENTENCES).split()
    words = words * (2 + longest // len(words))
    ends = np.array(count([" ".join(words[:n]) for n in range(1, min(len(words), 64))]))
    per_word = max(float(ends[-1] - ends[0]) / (len(ends) - 1), 1e-3)
    texts = []
    for number, tokens in enumerate(long_lengths(longest)):
        n_words = max(1, round((tokens - ends[0]) / per_word) + 1)
        start = number * 3 % len(" ".join(_SENTENCES).split())
        texts.append(" ".join(words[start : start + n_words]))
    return texts


def random_texts(words: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """``count`` texts of 3 to 8 ``words`` drawn at random: for maps with many unknowns."""
    rng = np.random.default_rng(seed)
    return [
        " ".join(words[i] for i in rng.integers(len(words), size=rng.integers(3, 9)))
        for _ in range(count)
    ]
