"""docs/reference/files.md: formats and their metadata, read from files that are written here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import reference_folders
from file_metadata import COLUMNS, METADATA, READOUT_KEYS
from page_text import code, fence, page, plain, table

from poolwise import Model, embed, load, parse
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.stores.sink import PREFIX
from poolwise.stores.store import SINKS
from poolwise.transforms.fitted_readout import FittedReadout

TEXTS = ("how do I top up?", "my card is lost", "a top-up failed", "where is my card?")
READOUTS = {"embedding": "mean@-1|l2", "cls": "cls@-1"}


def write() -> str:
    """The page."""
    with tempfile.TemporaryDirectory() as folder:
        return _page(load("demo"), Path(folder))


def _page(model: Model, folder: Path) -> str:
    return page(
        "Files and their metadata",
        "Everything that poolwise writes appears under its name whole or not at all, and says how "
        "it was made. Vectors are written in the format that the name's ending asks for: "
        f"{', '.join(code(suffix) for suffix in SINKS)}. What is shown here was written when this "
        f"page was made, by the demo model over {len(TEXTS)} texts.",
        *_parquet(model, folder / "vectors.parquet"),
        *_npy(model, folder / "vectors.npy"),
        *_safetensors(model, folder / "vectors.safetensors"),
        "## Metadata of vectors",
        f"Keys stand under `{PREFIX}` in Parquet and safetensors, without it in `NAME.npy.json`. "
        "Values that are no text are JSON.",
        table(["key", "holds"], ([code(key), plain(text)] for key, text in METADATA.items())),
        "No path of your machine is among them.",
        *_readout(model, folder / "readout.toml"),
        *reference_folders.blocks(model, folder),
    )


def _parquet(model: Model, target: Path) -> Iterator[str]:
    embed(model, TEXTS, target, READOUTS, with_text=True)
    schema = pq.read_schema(target)
    yield "## Parquet"
    words = " ".join(f"-r '{name}={readout}'" for name, readout in READOUTS.items())
    yield fence(f"poolwise embed demo lines.txt -o {target.name} {words} --with-text", "bash")
    yield "The rows stand in the order of the texts."
    yield table(
        ["column", "type", "holds"],
        ([code(f.name), code(f.type), plain(_column(f.name))] for f in schema),
    )
    yield (
        "A readout's column is called as the readout is (`mean@-1|l2`), or by the name for SQL "
        "that it was given (`-r embedding=mean@-1`). `--with-text` adds `text`, `--keep` other "
        "columns of the input. After the step `int8` a vector holds `int8`; after `binary` too, "
        "eight dimensions a byte. The footer has these keys:"
    )
    metadata = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    yield fence("\n".join(f"{key:<24} {value}" for key, value in metadata.items()), "text")
    assert {key.removeprefix(PREFIX) for key in metadata} <= METADATA.keys(), metadata


def _column(name: str) -> str:
    return COLUMNS.get(name) or f"the vector of {READOUTS[name]}"


def _npy(model: Model, target: Path) -> Iterator[str]:
    embed(model, TEXTS, target, "mean@-1")
    vectors = np.load(target)
    yield "## npy"
    yield (
        f"One readout, one array, rows in the order of the texts: here {vectors.dtype} "
        f"{[*vectors.shape]}. Its metadata are in a file beside it, `{target.name}.json`:"
    )
    yield fence(target.with_name(f"{target.name}.json").read_text(encoding="utf-8"), "json")


def _safetensors(model: Model, target: Path) -> Iterator[str]:
    embed(model, TEXTS, target, READOUTS)
    stored = open_safetensors(target)
    yield "## safetensors"
    yield "A tensor a readout, and the columns of rows as tensors; ids only where all are integers."
    yield table(
        ["tensor", "type", "shape", "holds"],
        (
            [code(name), code(entry.dtype), str([*entry.shape]), plain(_column(name))]
            for name, entry in sorted(stored.entries.items())
        ),
    )
    yield "`__metadata__` has the keys of Parquet's footer, with the same prefix."


def _readout(model: Model, target: Path) -> Iterator[str]:
    steps = model.fit(TEXTS, "mean@-1|whiten(2)|l2")
    fitted = FittedReadout(parse("mean@-1|whiten(2)|l2"), steps, model.provenance(), prompt="")
    fitted.save(target)
    stored = open_safetensors(target.with_suffix(".safetensors"))
    yield "## A readout"
    yield (
        "`readout.toml` is a readout with the prompt that it was chosen with and its provenance; "
        "`poolwise sweep -o` writes it, and whatever takes a readout takes its path. Where steps "
        "have learned something, it is in a safetensors file beside it."
    )
    yield fence(target.read_text(encoding="utf-8"), "toml")
    yield table(
        ["tensor", "type", "shape"],
        (
            [code(name), code(entry.dtype), str([*entry.shape])]
            for name, entry in sorted(stored.entries.items())
        ),
    )
    described = code(json.dumps(dict(stored.metadata)))
    yield f"The number in front is the step's, from 0. Its metadata: {described}."
    yield table(
        ["key", "holds"],
        ([code(key), plain(text)] for key, text in READOUT_KEYS.items()),
    )
