"""Which library reads which export right: docs/loaders.md.

    python benchmarks/loaders.py ENVIRONMENTS

Exports each readout of the demo model and of a tiny random encoder in each format, has every
loader read them in an environment of its own (made in the folder ENVIRONMENTS where it is not
there yet) and compares the vectors of short and long texts with poolwise's own. A cell says:

right     to 1e-5 of the largest value
refused   the library raises an error
warned    other vectors, which the export's card and the command name
—         poolwise refuses the export

The run ends with an error where a library reads other vectors and no one says so.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from loader_environments import LOADERS, Loader, install, read
from loader_page import page

import poolwise
from poolwise.errors import PoolwiseWarning, ReadoutError
from poolwise.exports import FORMATS, Format, export
from poolwise.exports.loaders import Misreading

READOUTS = (
    "mean@-1|l2",
    "cls@-1",
    "mean@2",
    "max@-1",
    "mean[words]@-1",
    "mean@avg(1,-1)",
    "mean@concat(-2:-1)",
    "mean@-1|whiten(16)|l2",
    "pooler",
)
TEXTS = (
    "A",
    "She opened the letter, read it twice, and put it back.",
    "Is this card declined abroad?! (It cost 1,299.50 €)",
    "the sea was calm and so were they " * 45,
    "the sea was calm and so were they " * 200,
)
FIT_TEXTS = tuple(
    f"sentence number {n} of the {word} sea" for n in range(40) for word in ("red", "calm", "old")
)
TOLERANCE = 1e-5

RIGHT, REFUSED, WARNED, WRONG, NO_EXPORT = "right", "refused", "warned", "wrong", "—"
_ORDER = (NO_EXPORT, RIGHT, REFUSED, WARNED, WRONG)
"""A cell of several models is the last of these that one of them has."""

Cells = dict[tuple[Format, str, str], str]
"""By format, loader and readout."""


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """A folder of ``readout``, with poolwise's own vectors of TEXTS [n, width]."""

    folder: Path
    format: Format
    readout: str
    vectors: np.ndarray[Any, Any]
    misreadings: tuple[Misreading, ...]

    @property
    def job(self) -> dict[str, Any]:
        """What a reader is told: readers/reading.py."""
        pool = str(poolwise.parse(self.readout).pool)
        return {
            "folder": str(self.folder),
            "format": self.format,
            "pool": pool,
            "l2": self.readout.endswith("|l2"),
            "width": self.vectors.shape[1],
        }


def exported(
    model: poolwise.Model, form: Format, readouts: Iterable[str], place: Path
) -> dict[str, Export | None]:
    """The export of each readout into a folder of ``place``; None where poolwise refuses it."""
    place.mkdir(exist_ok=True)
    exports: dict[str, Export | None] = {}
    for number, readout in enumerate(readouts):
        fit = FIT_TEXTS if poolwise.parse(readout).needs_fit else None
        folder = place / f"{form}-{number}"
        try:
            result = export(model, readout, folder, format=form, fit=fit)
        except ReadoutError:
            exports[readout] = None
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoolwiseWarning)  # long texts are cut
            vectors = model.embed(TEXTS, readout, fit=fit)
        exports[readout] = Export(folder, form, readout, vectors, result.misreadings)
    return exports


def cells(
    loader: Loader, exports: Mapping[str, Export | None], results: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """What ``loader`` makes of each readout; ``results`` are its answers, folder by folder."""
    answers = iter(results)
    return {
        readout: NO_EXPORT if made is None else _cell(loader, made, next(answers))
        for readout, made in exports.items()
    }


def _cell(loader: Loader, made: Export, result: Mapping[str, Any]) -> str:
    if "error" in result:
        return REFUSED
    expected, vectors = made.vectors, np.array(result["vectors"])
    if loader.unit:
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    same_shape = vectors.shape == expected.shape
    if same_shape and np.abs(vectors - expected).max() <= TOLERANCE * np.abs(expected).max():
        return RIGHT
    is_warned = any(each.loader == loader.warned_as for each in made.misreadings)
    return WARNED if is_warned else WRONG


def request(exports: Mapping[str, Export | None]) -> dict[str, Any]:
    """What every reader is asked about ``exports``."""
    return {"texts": TEXTS, "jobs": [made.job for made in exports.values() if made]}


def tiny_model(folder: Path) -> Path:
    """A random encoder with a pooler and the demo model's tokenizer, written to ``folder``."""
    from transformers import BertConfig, BertModel, set_seed  # noqa: PLC0415 - takes seconds

    set_seed(0)
    sizes = {"num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
    source = poolwise.load("demo").folder
    BertModel(BertConfig(hidden_size=32, **sizes)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copyfile(source / name, folder / name)
    return folder


def main(environments: Path) -> None:
    install(environments)
    found: Cells = {}
    versions: set[str] = set()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        models = [poolwise.load("demo"), poolwise.load(tiny_model(place / "tiny"), max_length=64)]
        for number, model in enumerate(models):
            for form in FORMATS:
                exports = exported(model, form, READOUTS, place / str(number))
                for loader in LOADERS:
                    answer = read(loader, environments, request(exports))
                    versions |= {f"{name} {v}" for name, v in answer["versions"].items()}
                    for readout, cell in cells(loader, exports, answer["results"]).items():
                        key = (form, loader.name, readout)
                        found[key] = max(found.get(key, cell), cell, key=_ORDER.index)
                        print(model.name, *key, cell, flush=True)
    docs = Path(__file__).parent.parent / "docs" / "loaders.md"
    docs.write_text(page(found, READOUTS, versions), encoding="utf-8")
    if wrong := [key for key, cell in found.items() if cell == WRONG]:
        raise SystemExit(f"read otherwise, and not warned of: {wrong}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
