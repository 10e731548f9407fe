"""The texts that measurements are made on; all of them are shipped in examples/."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

import poolwise

EXAMPLES = Path(__file__).parent.parent / "examples"
LENGTHS = {"long": (128, 510), "512 tokens": (460, 512), "2,048 tokens": (1900, 2048)}
"""Tokens in a text of each workload; a ``short`` one is one sentence."""

LATENCY_TOKENS = 16


def workload(name: str, count: int) -> list[str]:
    return distinct(count) if name == "short" else joined(count, *LENGTHS[name])


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


def joined(count: int, least: int, most: int) -> list[str]:
    """Sentences of the novels, joined until a length drawn evenly from this range is reached."""
    chance = random.Random(0)
    sentences = iter(chance.sample(novel_sentences(), 20_000))
    texts: list[str] = []
    while len(texts) < count:
        length, pieces, tokens = chance.randint(least, most), [next(sentences)], 0
        while (tokens := count_tokens([" ".join(pieces)])[0]) < length:
            pieces.append(next(sentences))
        if tokens <= most:
            texts.append(" ".join(pieces))
    return texts


def sixteen_tokens() -> str:
    texts = distinct(500)
    return texts[count_tokens(texts).index(LATENCY_TOKENS)]


def of_sixteen_tokens(count: int) -> list[str]:
    """So many different texts of exactly this length: beginnings of Banking77's and the novels'."""
    longer = distinct(10_003) + novel_sentences()
    inner = LATENCY_TOKENS - 2
    cut: dict[str, None] = {}
    for start in range(0, len(longer), 2_000):
        some = longer[start : start + 2_000]
        for text, encoding in zip(some, _tokenizer().encode_batch(some), strict=True):
            if len(encoding.ids) >= LATENCY_TOKENS:
                cut[text[: encoding.offsets[inner][1]]] = None
    texts = [*cut]
    random.Random(0).shuffle(texts)
    lengths = zip(texts, count_tokens(texts), strict=True)
    texts = [text for text, length in lengths if length == LATENCY_TOKENS]
    if len(texts) < count:
        raise ValueError(f"examples/ has {len(texts):,} texts of this length, not {count:,}")
    return texts[:count]


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Special tokens included. Every subject reads with the demo model's tokenizer."""
    return [len(encoding.ids) for encoding in _tokenizer().encode_batch(list(texts))]


@cache
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(Path(poolwise.load("demo").folder) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
