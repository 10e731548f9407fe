"""How far vectors are from those of transformers, which reads each text alone in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sts
import torch
from contenders import CLASSES, engine_for, options_for
from models import Subject
from numpy.typing import NDArray
from rounds import say
from transformers import AutoModel, AutoTokenizer
from workloads import distinct, workload

import poolwise

Vectors = Mapping[str, NDArray[Any]]
SAME_BITS = 16


@torch.inference_mode()
def reference(subject: Subject, folder: Path, texts: Sequence[str]) -> Vectors:
    """``mean@-1``, and ``cls`` of each hidden state, by readout: float32 [n, width]."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    vectors: dict[str, list[NDArray[Any]]] = {r: [] for r in readouts(subject.depth)}
    for text in texts:
        inputs = tokenizer(
            text, truncation=True, max_length=subject.max_length, return_tensors="pt"
        )
        states = [h[0].numpy() for h in model(**inputs, output_hidden_states=True).hidden_states]
        vectors["mean@-1"].append(states[-1].mean(0))
        for layer, state in enumerate(states):
            vectors[f"cls@{layer}"].append(state[0].copy())
    return {readout: np.stack(rows) for readout, rows in vectors.items()}


def readouts(depth: int) -> list[str]:
    return ["mean@-1", *(f"cls@{layer}" for layer in range(depth + 1))]


def accuracy(subject: Subject, folder: Path, texts: int) -> dict[str, dict[str, Any]]:
    """For each precision that runs: distance and cosine to transformers, and whether bits hold."""
    sample = distinct(texts) + workload("long", max(texts // 25, 2))
    expected = reference(subject, folder, sample)
    model = poolwise.load(folder, max_length=subject.max_length)
    results: dict[str, dict[str, Any]] = {}
    for precision in _running(model):
        say(f"{subject.name}: accuracy of {precision}")
        vectors = _extract(model, sample, readouts(subject.depth), precision)
        close = cosine(vectors["mean@-1"], expected["mean@-1"])
        cls = [r for r in expected if r.startswith("cls")]
        results[precision] = {
            "engine": engine_for(model, precision).name,
            "texts": len(sample),
            "mean_max_abs": _farthest(vectors, expected, ["mean@-1"]),
            "cls_max_abs": _farthest(vectors, expected, cls),
            "min_cosine": float(close.min()),
            "mean_cosine": float(close.mean()),
            "same_bits": _same_bits(model, sample[-SAME_BITS:], vectors["mean@-1"], precision),
        }
    return results


def spearman(folder: Path, file: Path) -> dict[str, float]:
    """Spearman x 100 of cosine on STS pairs, by precision."""
    left, right, scores = sts.read_pairs(file)
    model, results = poolwise.load(folder), {}
    for precision in _running(model):
        say(f"STS: {precision}")
        vectors = _extract(model, left + right, ["mean@-1"], precision)["mean@-1"]
        results[precision] = sts.spearman(vectors[: len(left)], vectors[len(left) :], scores)
    return results


def cosine(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Row by row, float64 [n]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def _running(model: Any) -> list[str]:
    """The precisions that run as themselves on this machine."""
    engines = {precision: engine_for(model, precision) for precision in CLASSES}
    return [p for p, engine in engines.items() if engine is not None and engine.precision == p]


def _extract(model: Any, texts: list[str], specs: list[str], precision: str) -> Vectors:
    batches = list(model.extract(texts, specs, **options_for(model, precision)))
    return {readout: np.concatenate([b.vectors[readout] for b in batches]) for readout in specs}


def _farthest(vectors: Vectors, expected: Vectors, specs: Sequence[str]) -> float:
    return max(float(np.abs(vectors[r] - expected[r]).max()) for r in specs)


def _same_bits(model: Any, texts: list[str], batch: NDArray[Any], precision: str) -> bool:
    """Whether each of the batch's last texts has the same bits when it is run alone."""
    single_vectors = [model.embed(t, "mean@-1", **options_for(model, precision)) for t in texts]
    return bool(np.array_equal(np.stack(single_vectors), batch[-len(texts) :]))
