"""How far the arithmetic of a model moves its vectors, in the doctor's distance."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from doctor_models import CachingReader, Models
from page import markdown_table
from rounds import say
from transformers import AutoModel, AutoTokenizer

import poolwise
from poolwise.doctor.matching import Doubles, distances
from poolwise.doctor.probe_texts import PLAIN
from poolwise.doctor.reading import Reading
from poolwise.doctor.search import search
from poolwise.doctor.target import Target

Row = dict[str, Any]
ReadOut = Callable[[torch.Tensor], torch.Tensor]
"""One vector of the token vectors [t, d] of a text."""

POOLS: dict[str, ReadOut] = {
    "mean": lambda tokens: tokens.mean(0),
    "cls": lambda tokens: tokens[0],
    "max": lambda tokens: tokens.max(0).values,
}
READOUTS = ("mean@-1", "cls@-1", "max@-1", "mean@0", "mean@1", "mean@3", "cls@1", "cls@3")


def measure(models: Models) -> list[Row]:
    """A row for each arithmetic and readout: the distances of texts from float32 of torch."""
    folder = models.demo()
    exact = _read(AutoModel.from_pretrained(folder).eval(), folder, torch.float32)
    reader = CachingReader(poolwise.load(folder))
    rows: list[Row] = []
    for name, made in _variants(folder):
        for readout in READOUTS:
            gaps = distances(made[readout], exact[readout])
            low, middle, high = (float(np.quantile(gaps, q)) for q in (0, 0.5, 1))
            target = Target.of(made[readout], reader.model.width)
            found = search(reader, [Reading()], PLAIN, target)
            row = {"arithmetic": name, "readout": readout}
            row |= {"min": low, "median": middle, "max": high, "nearest": found.best.name}
            row |= {"same": [h.name for h in found.same]}
            row |= {"runner_up": found.runner_up and found.runner_up.error}
            rows.append(row)
        say(f"arithmetic: {name}")
    return rows


def _variants(folder: Path) -> Iterator[tuple[str, dict[str, Doubles]]]:
    model = poolwise.load(folder)
    for precision in ("exact", "near", "fast"):
        made = {
            name: np.asarray(model.embed(list(PLAIN), name, precision=precision), np.float64)
            for name in READOUTS
        }
        yield f"poolwise {precision}, native", made
    exact = AutoModel.from_pretrained(folder).eval()
    for kind in (torch.float16, torch.bfloat16):
        name = str(kind).removeprefix("torch.")
        half = AutoModel.from_pretrained(folder, dtype=kind).eval()
        yield f"{name}, pooled in float32", _read(half, folder, torch.float32)
        yield f"{name}, pooled in it too", _read(half, folder, kind)
    with torch.autocast("cpu", torch.bfloat16):
        yield "bfloat16 autocast", _read(exact, folder, torch.float32)
    yield "int8 weights, dynamic, one scale a matrix", _read(_int8(exact), folder, torch.float32)
    by_channel = torch.ao.quantization.per_channel_dynamic_qconfig
    quantized = _int8(exact, by_channel)
    yield "int8 weights, dynamic, one scale a row", _read(quantized, folder, torch.float32)
    yield "int8 weights alone, one scale a row", _read(_rounded(exact), folder, torch.float32)


def _int8(model: torch.nn.Module, qconfig: object = None) -> torch.nn.Module:
    if qconfig is None:
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, torch.qint8)
    return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear: qconfig}, torch.qint8)


def _rounded(model: torch.nn.Module) -> torch.nn.Module:
    """Linear layers whose weights are multiples of 1/127 of their row's largest."""
    made = copy.deepcopy(model)
    for module in made.modules():
        if isinstance(module, torch.nn.Linear):
            steps = module.weight.data.abs().amax(1, keepdim=True) / 127
            module.weight.data = (module.weight.data / steps).round() * steps
    return made


@torch.no_grad()
def _read(model: torch.nn.Module, folder: Path, kind: torch.dtype) -> dict[str, Doubles]:
    """Each readout of each text alone, pooled in ``kind``."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    vectors: dict[str, list[Doubles]] = {name: [] for name in READOUTS}
    for text in PLAIN:
        tokens = tokenizer([text], return_tensors="pt")
        states = model(**tokens, output_hidden_states=True).hidden_states
        for name in READOUTS:
            pool, _, layer = name.partition("@")
            vector = POOLS[pool](states[int(layer)][0].to(kind))
            vectors[name].append(vector.double().numpy())
    return {name: np.stack(rows) for name, rows in vectors.items()}


def table(rows: list[Row]) -> str:
    header = (
        "## Arithmetic\n\nDistances ‖x/‖x‖ − y/‖y‖‖ of the demo model's vectors from torch's in "
        f"float32: smallest, median and largest of the {len(PLAIN)} plain probe texts. The "
        "doctor's error is the median. *Nearest* is the readout that it finds, *next* the distance "
        "of the runner-up.\n"
    )
    shown = [
        (
            r["arithmetic"],
            r["readout"],
            *(f"{r[q]:.1e}" for q in ("min", "median", "max")),
            r["nearest"] if r["nearest"] != r["readout"] else "it",
            f"{r['runner_up']:.2g}",
        )
        for r in rows
    ]
    columns = ("", "readout", "min", "median", "max", "nearest", "next")
    return markdown_table(header, columns, shown)
