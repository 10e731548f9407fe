"""How far vectors are from those of transformers, which reads each text alone in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sts
import torch
from contenders import CLASSES, engine_for, options_for
from models import MAX_LENGTH, Subject
from numpy.typing import NDArray
from rounds import say
from transformers import AutoModel, AutoTokenizer
from workloads import distinct, long_texts

import poolwise

Vectors = Mapping[str, NDArray[Any]]
SAME_BITS = 16


@torch.inference_mode()
def reference(folder: Path, texts: Sequence[str], depth: int) -> Vectors:
    """``mean@-1``, and ``cls`` of each hidden state, by readout: float32 [n, width]."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    made: dict[str, list[NDArray[Any]]] = {r: [] for r in readouts(depth)}
    for text in texts:
        inputs = tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        states = [h[0].numpy() for h in model(**inputs, output_hidden_states=True).hidden_states]
        made["mean@-1"].append(states[-1].mean(0))
        for layer, state in enumerate(states):
            made[f"cls@{layer}"].append(state[0].copy())
    return {readout: np.stack(rows) for readout, rows in made.items()}


def readouts(depth: int) -> list[str]:
    return ["mean@-1", *(f"cls@{layer}" for layer in range(depth + 1))]


def accuracy(subject: Subject, folder: Path, texts: int) -> dict[str, dict[str, Any]]:
    """For each precision that runs: distance and cosine to transformers, and whether bits hold."""
    some = distinct(texts) + long_texts(max(texts // 25, 2))
    wanted = reference(folder, some, subject.depth)
    model = poolwise.load(folder, max_length=MAX_LENGTH)
    found: dict[str, dict[str, Any]] = {}
    for precision in _running(model):
        say(f"{subject.name}: accuracy of {precision}")
        made = _extract(model, some, readouts(subject.depth), precision)
        close = cosine(made["mean@-1"], wanted["mean@-1"])
        cls = [r for r in wanted if r.startswith("cls")]
        found[precision] = {
            "engine": engine_for(model, precision).name,
            "texts": len(some),
            "mean_max_abs": _farthest(made, wanted, ["mean@-1"]),
            "cls_max_abs": _farthest(made, wanted, cls),
            "min_cosine": float(close.min()),
            "mean_cosine": float(close.mean()),
            "same_bits": _same_bits(model, some[-SAME_BITS:], made["mean@-1"], precision),
        }
    return found


def spearman(folder: Path, file: Path) -> dict[str, float]:
    """Spearman x 100 of cosine on STS pairs, by precision."""
    left, right, scores = sts.read(file)
    model, found = poolwise.load(folder, max_length=MAX_LENGTH), {}
    for precision in _running(model):
        say(f"STS: {precision}")
        vectors = _extract(model, left + right, ["mean@-1"], precision)["mean@-1"]
        found[precision] = sts.spearman(vectors[: len(left)], vectors[len(left) :], scores)
    return found


def cosine(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Row by row, float64 [n]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def _running(model: Any) -> list[str]:
    """The precisions that run as themselves on this machine."""
    engines = {precision: engine_for(model, precision) for precision in CLASSES}
    return [p for p, engine in engines.items() if engine is not None and engine.precision == p]


def _extract(model: Any, texts: list[str], asked: list[str], precision: str) -> Vectors:
    seen = list(model.extract(texts, asked, **options_for(model, precision)))
    return {readout: np.concatenate([b.vectors[readout] for b in seen]) for readout in asked}


def _farthest(made: Vectors, wanted: Vectors, asked: Sequence[str]) -> float:
    return max(float(np.abs(made[r] - wanted[r]).max()) for r in asked)


def _same_bits(model: Any, texts: list[str], batch: NDArray[Any], precision: str) -> bool:
    """Whether each of the batch's last texts has the same bits when it is run alone."""
    alone = [model.embed(t, "mean@-1", **options_for(model, precision)) for t in texts]
    return bool(np.array_equal(np.stack(alone), batch[-len(texts) :]))
