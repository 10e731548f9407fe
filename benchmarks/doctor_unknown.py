"""Vectors of something else: what the doctor takes for a readout of the model, and must not."""

from __future__ import annotations

import random
import shutil
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from doctor_cases import DEMO, OWN_PROMPTS
from doctor_models import CachingReader, Models
from draws import draw
from numpy.typing import NDArray
from oracles import encoder_of
from page import markdown_table
from rounds import say
from safetensors.torch import load_file, save_file
from setups import WIDTH, Setup

import poolwise
from poolwise.doctor.evidence import N_PLAIN, Evidence
from poolwise.doctor.identify import identify
from poolwise.doctor.map_search import search_map
from poolwise.doctor.matching import distances
from poolwise.doctor.probe_texts import PLAIN
from poolwise.doctor.search import MOST_PARTS

Row = dict[str, Any]

MOVED = (0.003, 0.01, 0.0125, 0.02, 0.05)
"""How far training on moved each weight, in standard deviations of its matrix."""


TINY_TURNS = 3
"""Sources for each tiny encoder, for each one for the demo model."""


@dataclass(frozen=True)
class Unknown:
    """A source of vectors that no readout of the model makes."""

    folder: Path
    setup: Setup
    change: str = ""

    @property
    def description(self) -> str:
        return f"{self.folder.name}, {self.setup}, {self.change}"

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        if self.change.startswith("random"):
            width, seed = map(int, self.change.split()[1:])
            by = (np.random.default_rng([seed, *text.encode()]) for text in texts)
            rows = [rng.normal(size=width) for rng in by]
            return np.stack(rows).astype(np.float32)
        if self.change == "other texts":
            texts = [f"{text} {text[::-1]}" for text in texts]
        made = encoder_of(self.folder).vectors(self.setup, texts)
        return np.roll(made, 1, axis=0) if self.change == "shuffled" else made


def measure(models: Models, arguments: Namespace) -> dict[str, list[Row]]:
    """``unknown``: a row for each source; ``moved``: for each size of change of the weights."""
    return {"unknown": _unknown(models, arguments), "moved": _moved(models)}


def _unknown(models: Models, arguments: Namespace) -> list[Row]:
    by = random.Random(arguments.seed)
    rows = []
    readers = {
        name: CachingReader(poolwise.load(models.with_dense(name))) for name in models.families
    }
    readers[DEMO] = CachingReader(poolwise.load(models.demo()))
    turns = [*models.families * TINY_TURNS, DEMO]
    for number in range(arguments.unknown):
        if time.perf_counter() > arguments.end:
            break
        family = turns[number % len(turns)]
        cycle, place = divmod(number, len(turns))
        turn = cycle if family == DEMO else cycle * TINY_TURNS + place // len(models.families)
        kind, source = _drawn(models, family, turn, by)
        rows.append(_row(readers[family], source) | {"kind": kind, "family": family})
        if number % 20 == 19:
            say(f"unknown: {number + 1} of {arguments.unknown}")
    return rows


def _drawn(models: Models, family: str, number: int, by: random.Random) -> tuple[str, Unknown]:
    width = poolwise.load(models.demo()).width if family == DEMO else WIDTH
    setup = replace(_plain(draw(by.randrange(10**6), family)), steps=by.choice([(), ("l2",)]))
    other = by.choice([name for name in models.families if name != family])
    if family == DEMO:
        return _drawn_demo(models, setup, number, other, width)
    kinds = {
        "another seed, same width": lambda: Unknown(
            models.tiny(family, seed=1 + number % 5), setup
        ),
        "another seed, narrower": lambda: Unknown(models.tiny(family, seed=1, width=24), setup),
        "another seed, wider": lambda: Unknown(models.tiny(family, seed=1, width=48), setup),
        "another family": lambda: Unknown(models.tiny(other), _without_pooler(setup)),
        "random": lambda: Unknown(models.tiny(family), setup, f"random {width} {number}"),
        "random, wider than any readout": lambda: Unknown(
            models.tiny(family), setup, f"random {MOST_PARTS * width + 1 + number} 0"
        ),
        "other texts": lambda: Unknown(models.with_dense(family), setup, "other texts"),
        "shuffled": lambda: Unknown(models.with_dense(family), setup, "shuffled"),
    }
    kind = list(kinds)[number % len(kinds)]
    return kind, kinds[kind]()


def _drawn_demo(
    models: Models, setup: Setup, number: int, other: str, width: int
) -> tuple[str, Unknown]:
    demo = models.demo()
    kinds = {
        "another family, narrower": Unknown(models.tiny(other), _without_pooler(setup)),
        "random": Unknown(demo, setup, f"random {width} {number}"),
        "random, wider than any readout": Unknown(
            demo, setup, f"random {MOST_PARTS * width + 1 + number} 0"
        ),
        "random, wider than one layer": Unknown(demo, setup, f"random {width + 7} {number}"),
        "other texts": Unknown(demo, setup, "other texts"),
        "shuffled": Unknown(demo, setup, "shuffled"),
    }
    kind = list(kinds)[number % len(kinds)]
    return f"demo: {kind}", kinds[kind]


def _plain(setup: Setup) -> Setup:
    return replace(setup, casing="model", length=None, side="right", long="truncate")


def _without_pooler(setup: Setup) -> Setup:
    return replace(setup, pool="cls") if setup.pool == "pooler" else setup


def _row(reader: CachingReader, source: Unknown) -> Row:
    texts = PLAIN[:N_PLAIN]
    evidence = Evidence(
        texts, source.embed(texts), range(len(texts)), source.description, source=source
    )
    try:
        found = identify(reader, evidence, OWN_PROMPTS)
    except Exception as error:  # the rest is measured all the same
        return {"source": source.description, "raised": repr(error)}
    # Of the demo model a map has too many unknowns for a source as slow as transformers.
    small = reader.model.width <= WIDTH and not found.identified
    mapped = search_map(reader, evidence, found) if small else None
    return {
        "source": source.description,
        "raised": None,
        "error": found.error,
        "nearest": found.best.name,
        "identified": found.identified,
        "scaled": found.scales is not None,
        "mapped": None if mapped is None else mapped.description,
    }


def _moved(models: Models) -> list[Row]:
    """mean@-1 of models whose weights were moved at random; a row a model and size."""
    rows: list[Row] = []
    for name in (DEMO, *models.families):
        folder = models.demo() if name == DEMO else models.tiny(name)
        reader = CachingReader(poolwise.load(folder))
        depth = reader.model.depth
        setup = Setup(layers=(depth,), steps=("l2",))
        own = encoder_of(folder).vectors(setup, PLAIN)
        for size in MOVED:
            other = _demo_moved(models, size) if name == DEMO else models.tiny(name, noise=size)
            gaps = distances(
                np.asarray(Unknown(other, setup).embed(PLAIN), np.float64), own.astype(np.float64)
            )
            row = _row(reader, Unknown(other, setup)) | {"model": name, "moved": size}
            rows.append(row | {"distance": float(np.median(gaps))})
        say(f"moved weights: {name}")
    return rows


def _demo_moved(models: Models, size: float) -> Path:
    folder = models.temporary / f"demo-{size:g}"
    shutil.copytree(models.demo(), folder)
    by = torch.Generator().manual_seed(1)
    path = folder / "model.safetensors"
    state = load_file(path)
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim == 2:
            state[name] = tensor + size * tensor.std() * torch.randn(tensor.shape, generator=by)
    path.unlink()
    save_file(state, path, {"format": "pt"})
    return folder


def table(results: dict[str, list[Row]]) -> str:
    return f"{_unknown_table(results['unknown'])}\n{_moved_table(results['moved'])}"


def _known(row: Row) -> bool:
    return not row["raised"] and bool(row["identified"] or row["mapped"])


def _unknown_table(rows: list[Row]) -> str:
    answered = [r for r in rows if not r["raised"]]
    header = (
        f"## Unknown vectors\n\n{sum(map(_known, answered))} of {len(answered)} sources that were "
        f"diagnosed are identified: {sum(r['identified'] for r in answered)} as a readout and "
        f"{sum(r['mapped'] is not None for r in answered)} as a readout with a map after it, which "
        f"was sought for the tiny encoders alone; {len(rows) - len(answered)} more raised an "
        f"error. Each by the {N_PLAIN} plain texts that are sent.\n"
    )
    shown = [
        (
            kind,
            str(len(some)),
            str(sum(r["identified"] for r in some)),
            str(sum(r["mapped"] is not None for r in some)),
            f"{min(r['error'] for r in some):.2f}",
        )
        for kind in dict.fromkeys(r["kind"] for r in answered)
        if (some := [r for r in answered if r["kind"] == kind])
    ]
    columns = ("vectors", "sources", "identified", "as a map", "least distance")
    mistaken = [
        f"- {r['family']}, {r['kind']}: {r['nearest']} ({r['error']:.1e}"
        f"{', scaled' if r['scaled'] else ''}), map: {r['mapped']}; {r['source']}"
        for r in rows
        if _known(r)
    ]
    raised = {f"- {r['kind']}: {r['raised']}" for r in rows if r["raised"]}
    return markdown_table(header, columns, shown) + "\n".join(["", *mistaken, *sorted(raised), ""])


def _moved_table(rows: list[Row]) -> str:
    header = (
        "## A model that was trained on\n\nRandom changes of all weights, in standard deviations "
        "of their matrix; mean@-1, the median distance from the model's own vectors, and its "
        "cosine.\n"
    )
    shown = [
        (
            r["model"],
            f"{r['moved']:g}",
            f"{r['distance']:.1e}",
            f"{1 - r['distance'] ** 2 / 2:.6f}",
            "yes" if r["identified"] else f"as a map: {r['mapped']}" if r["mapped"] else "no",
            r["nearest"],
        )
        for r in rows
    ]
    columns = ("", "moved", "distance", "cosine", "identified", "nearest")
    return markdown_table(header, columns, shown)
