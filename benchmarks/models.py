"""What is measured: the demo model, and larger shapes with random weights.

Speed does not ask what the weights are; accuracy does, so its claims rest on the demo model. Every
subject reads with the demo model's tokenizer.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

import poolwise

BESIDE = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
VOCABULARY = 30_522
SPECIAL = {"pad_token_id": 0, "cls_token_id": 101, "sep_token_id": 102}
"""The demo model's."""

WINDOW = 128
"""ModernBERT's ``local_attention``: a token sees 64 to each side in two of three blocks."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to measure, with the texts of each workload that it is given in a round.

    ``classes`` is what transformers' classes begin with. A ``gated`` feed-forward layer has three
    matrices; every block but each ``global_every``-th attends within ``WINDOW``.
    """

    name: str
    depth: int
    width: int
    heads: int
    inner: int
    texts: Mapping[str, int]
    real: bool = False
    classes: str = "Bert"
    gated: bool = False
    global_every: int = 1
    max_length: int = 512
    memory_tokens: int = 0

    def __str__(self) -> str:
        weights = "real weights" if self.real else "random weights"
        return f"{self.name}: {self.depth} blocks of {self.width}, {weights}"

    def gflop(self, lengths: Sequence[int]) -> float:
        """Of the linear layers and of attention, on real tokens alone; a multiply-add is two."""
        matrices = 4 * self.width**2 + (3 if self.gated else 2) * self.width * self.inner
        linear = 2 * self.depth * matrices * sum(lengths)
        whole = -(-self.depth // self.global_every)
        pairs = sum(whole * n * n + (self.depth - whole) * _pairs_in_window(n) for n in lengths)
        return (linear + 4 * self.width * pairs) / 1e9


def _pairs_in_window(tokens: int) -> int:
    """Of a query and a key that it sees."""
    side = min(WINDOW // 2, tokens - 1)
    return tokens * (2 * side + 1) - side * (side + 1)


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("MiniLM-L6", 6, 384, 12, 1536, {"short": 1000, "long": 40}, real=True),
        Subject("bge-small shape", 12, 384, 12, 1536, {"short": 300, "long": 16}),
        Subject("bert-base shape", 12, 768, 12, 3072, {"short": 96, "long": 10}),
        Subject(
            "ModernBERT-base shape",
            *(22, 768, 12, 1152),
            {"short": 48, "512 tokens": 4, "2,048 tokens": 2},
            classes="ModernBert",
            gated=True,
            global_every=3,
            max_length=2048,
            memory_tokens=8192,
        ),
        Subject(
            "NomicBERT-base shape",
            *(12, 768, 12, 3072),
            {"short": 64, "512 tokens": 4, "2,048 tokens": 2},
            classes="NomicBert",
            gated=True,
            max_length=2048,
        ),
    )
}


def folder_of(subject: Subject, temporary: Path) -> Path:
    """The subject's model folder; random weights are written by transformers itself."""
    demo = Path(poolwise.load("demo").folder)
    if subject.real:
        return demo
    folder = temporary / subject.name.replace(" ", "-")
    torch.manual_seed(0)
    special = SPECIAL | {"bos_token_id": 101, "eos_token_id": 102}
    config = getattr(transformers, f"{subject.classes}Config")(
        hidden_size=subject.width,
        num_hidden_layers=subject.depth,
        num_attention_heads=subject.heads,
        intermediate_size=subject.inner,
        vocab_size=VOCABULARY,
        **(special if subject.classes == "ModernBert" else {}),
    )
    getattr(transformers, f"{subject.classes}Model")(config).save_pretrained(folder)
    for name in BESIDE:
        if (demo / name).exists():
            shutil.copy(demo / name, folder / name)
    if subject.classes != "Bert":
        _without_types(folder / "tokenizer_config.json", subject.max_length)
    return folder


def _without_types(file: Path, max_length: int) -> None:
    """Has the tokenizer make no token types, which these families do not read."""
    options = json.loads(file.read_text())
    options["model_input_names"] = ["input_ids", "attention_mask"]
    options["model_max_length"] = max_length
    file.write_text(json.dumps(options))
