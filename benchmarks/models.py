"""What is measured: the demo model, and two larger shapes with random weights.

Speed does not ask what the weights are; accuracy does, so its claims rest on the demo model.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

import poolwise

MAX_LENGTH = 512
BESIDE = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to measure, with how many texts of each kind it is given in a round."""

    name: str
    depth: int
    width: int
    heads: int
    inner: int
    short: int
    long: int
    real: bool = False

    def __str__(self) -> str:
        weights = "real weights" if self.real else "random weights"
        return f"{self.name}: {self.depth} blocks of {self.width}, {weights}"

    def gflop(self, lengths: Sequence[int]) -> float:
        """Of the linear layers and of attention, on real tokens alone; a multiply-add is two."""
        linear = 2 * (4 * self.width**2 + 2 * self.width * self.inner)
        attention = 4 * self.width
        return self.depth * sum(n * (linear + attention * n) for n in lengths) / 1e9


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("MiniLM-L6", 6, 384, 12, 1536, short=2000, long=60, real=True),
        Subject("bge-small shape", 12, 384, 12, 1536, short=400, long=24),
        Subject("bert-base shape", 12, 768, 12, 3072, short=128, long=16),
    )
}


def folder_of(subject: Subject, temporary: Path) -> Path:
    """The subject's model folder; random weights are written by transformers itself."""
    demo = poolwise.load("demo").folder
    if subject.real:
        return Path(demo)
    folder = temporary / subject.name.replace(" ", "-")
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=subject.width,
        num_hidden_layers=subject.depth,
        num_attention_heads=subject.heads,
        intermediate_size=subject.inner,
    )
    BertModel(config).save_pretrained(folder)
    for name in BESIDE:
        if (Path(demo) / name).exists():
            shutil.copy(Path(demo) / name, folder / name)
    return folder
