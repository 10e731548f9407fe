"""The data that ships is what examples/README.md says."""

from __future__ import annotations

import csv
import gzip
import hashlib
from pathlib import Path

from poolwise.texts import open_texts

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_novels():
    path = EXAMPLES / "novels.txt.gz"
    sentences = [sentence.text for sentence in open_texts([str(path)])]
    lengths = sorted(map(len, sentences))
    assert (len(sentences), lengths[0], lengths[10_400], lengths[-1]) == (20_800, 3, 86, 1140)
    assert all(sentence == " ".join(sentence.split()) for sentence in sentences)
    digest = hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    assert digest in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_banking77():
    path = EXAMPLES / "banking77.csv"
    assert sum(1 for _ in open_texts([str(path)])) == 10_003
    with path.open(encoding="utf-8", newline="") as file:
        assert len({row["category"] for row in csv.DictReader(file)}) == 77
