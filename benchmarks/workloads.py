"""The texts that measurements are made on; all of them are shipped in examples/."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

from models import MAX_LENGTH

import poolwise

EXAMPLES = Path(__file__).parent.parent / "examples"
LONG = (128, MAX_LENGTH - 2)
"""Tokens in a long text."""

LATENCY_TOKENS = 16


def novel_sentences() -> list[str]:
    with gzip.open(EXAMPLES / "novels.txt.gz", "rt", encoding="utf-8") as lines:
        return [line.strip() for line in lines]


def distinct(count: int) -> list[str]:
    """So many different sentences: Banking77's own, then halves of them joined at random."""
    with (EXAMPLES / "banking77.csv").open(encoding="utf-8", newline="") as lines:
        texts = list(dict.fromkeys(" ".join(row["text"].split()) for row in csv.DictReader(lines)))
    chance = random.Random(0)
    chance.shuffle(texts)
    while len(texts) < count:
        a, b = chance.choice(texts).split(), chance.choice(texts).split()
        texts.append(" ".join(a[: len(a) // 2] + b[len(b) // 2 :]))
    return texts[:count]


def long_texts(count: int) -> list[str]:
    """Sentences of the novels, joined until a length drawn evenly from ``LONG`` is reached."""
    chance = random.Random(0)
    sentences = iter(chance.sample(novel_sentences(), min(30 * count + 60, 20_000)))
    long = []
    while len(long) < count:
        length, pieces, tokens = chance.randint(*LONG), [next(sentences)], 0
        while (tokens := count_tokens([" ".join(pieces)])[0]) < length:
            pieces.append(next(sentences))
        if tokens <= MAX_LENGTH:
            long.append(" ".join(pieces))
    return long


def sixteen_tokens() -> str:
    texts = distinct(500)
    return texts[count_tokens(texts).index(LATENCY_TOKENS)]


def count_tokens(texts: list[str]) -> list[int]:
    """Special tokens included. Every subject reads with the demo model's tokenizer."""
    encoder = poolwise.load("demo", max_length=MAX_LENGTH)
    return [text.n_tokens for text in encoder.tokenize(texts)]
