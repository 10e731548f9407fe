"""Who is measured, and poolwise and sentence-transformers among them, as their users call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from models import Subject
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

import poolwise

BASE = "sentence-transformers encode"
CLASSES = ("exact", "near", "fast")
"""Precision classes: float32, half precision, int8. Engines are compared within one."""

Embed = Callable[[Sequence[str]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    """Makes mean-pooled vectors, [n, width]. ``single`` takes one text, where that is another way.

    Without ``embed`` it is not run, and ``absent`` says why.
    """

    name: str
    precision: str
    embed: Embed | None = None
    single: Embed | None = None
    ours: bool = False
    absent: str = ""

    @property
    def single_embed(self) -> Embed | None:
        return self.single or self.embed


def poolwise_contenders(subject: Subject, folder: Path) -> list[Contender]:
    model = poolwise.load(folder, max_length=subject.max_length)
    return [_poolwise(model, precision) for precision in CLASSES]


def _poolwise(model: Any, precision: str) -> Contender:
    engine = engine_for(model, precision)
    if engine is None:
        reason = f"the {engine_for(model, 'exact').name} engine runs exact alone"
        return Contender(f"poolwise {precision}", precision, ours=True, absent=reason)
    if engine.precision != precision:
        reason = f"on this machine {precision} runs as {engine.precision}"
        return Contender(f"poolwise {precision}", precision, ours=True, absent=reason)
    name, options = f"poolwise {precision} ({engine.name} engine)", options_for(model, precision)
    return Contender(
        name, precision, lambda texts: model.embed(list(texts), "mean@-1", **options), ours=True
    )


def engine_for(model: Any, precision: str) -> Any:
    """The engine that runs at this precision, or None where there is no choice of one."""
    if "precision" in inspect.signature(model.embed).parameters:
        engine = model.engine_for(precision)
        return engine if engine.name == "native" or precision == "exact" else None
    return model.engine if precision == "exact" else None


def options_for(model: Any, precision: str) -> dict[str, str]:
    takes_precision = "precision" in inspect.signature(model.embed).parameters
    return {"precision": precision} if takes_precision else {}


def native_level(folder: Path) -> str | None:
    """The instruction set of the native engine; None where another engine runs the model."""
    level: str | None = getattr(poolwise.load(folder).engine_for("exact"), "level", None)
    return level


def sentence_transformers(subject: Subject, folder: Path) -> Contender:
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = subject.max_length

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        return np.asarray(model.encode(list(texts), show_progress_bar=False))

    return Contender(BASE, "exact", embed)
