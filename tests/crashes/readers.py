"""Everything that is written, read back: None where it is absent, an exception where it is not
valid."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from safetensors.numpy import load_file

import poolwise
from poolwise.classifier.classifier import load_classifier
from poolwise.jobs.folder import JobFolder
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout


def digest(*arrays: Any) -> str:
    return sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def parquet(path: Path) -> Any:
    if not path.exists():
        return None
    table = pq.read_table(path)
    vectors = [name for name in table.column_names if "@" in name]
    return [table.num_rows, vectors or table.column_names, str(table.to_pylist())]


def corpus(folder: Path) -> Any:
    """The rows of a job that is done; each part that is there can be read all the same."""
    found = [parquet(path) for path in sorted(folder.glob("part-*.parquet"))]
    for path in JobFolder(folder).state.glob("*.json"):
        json.loads(path.read_text())
    return found if (folder / "_SUCCESS").exists() else None


def safetensors(path: Path) -> Any:
    return digest(*load_file(path).values()) if path.exists() else None


def npy(path: Path) -> Any:
    """The array, and what its JSON says; a JSON is never alone, and never of another array."""
    beside = path.with_name(f"{path.name}.json")
    if not path.exists():
        assert not beside.exists(), "a JSON without its array"
        return None
    array = np.load(path)
    if not beside.exists():
        return [digest(array), None]
    told = json.loads(beside.read_text())
    assert told["rows"] == len(array)
    return [digest(array), told["readouts"]]


def npy_allowed(found: Any, old: Any, new: Any) -> bool:
    return found in (None, old, new) or found in ([whole[0], None] for whole in (old, new) if whole)


def rows(path: Path) -> Any:
    if not path.exists():
        return None
    with path.open(newline="") as file:
        if path.suffix == ".csv":
            return list(csv.reader(file))
        return [json.loads(line) for line in file]


def page(path: Path) -> Any:
    if not path.exists():
        return None
    text = path.read_text()
    assert text.rstrip().endswith("</html>")
    return sorted({sentence for sentence in ("the cat", "a dog") if sentence in text})


def report(folder: Path) -> Any:
    """Verdicts and charts, where the page is; what is there without it is read all the same."""
    if not folder.exists():
        return None
    found, charts = findings(folder), sorted(path.name for path in folder.glob("charts/*"))
    if not (folder / "report.html").exists():
        return None
    text = unescape((folder / "report.html").read_text())
    assert text.rstrip().endswith("</html>")
    assert found is not None, "a page without findings"
    assert all(finding["study"] for finding in found)
    for finding in found:
        assert re.sub(r"\W+", "", finding["question"]) in re.sub(r"\W+", "", text)
    for chart in charts:
        content = (folder / "charts" / chart).read_bytes()
        assert content.startswith(b"\x89PNG") or content.rstrip().endswith(b"</svg>")
    expected = sum(bool(finding["charts"]) for finding in found)
    assert len(charts) >= 2 * expected, "charts are missing"
    return [[[finding["study"], finding["verdict"]] for finding in found], charts]


def findings(folder: Path) -> Any:
    path = folder / "findings.json"
    return json.loads(path.read_text()) if path.exists() else None


def sweep(folder: Path) -> Any:
    if not folder.exists():
        return None
    chosen = FittedReadout.load(folder / "readout.toml")
    return [report(folder), str(chosen.readout), parquet(folder / "scores.parquet")]


def model(folder: Path) -> Any:
    if not folder.exists():
        return None
    read = poolwise.load(folder)
    return [read.hash, str(read.declared), digest(read.embed("the cat sat", "mean@-1"))]


def graph(folder: Path) -> Any:
    import onnxruntime

    if not folder.exists():
        return None
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
    assert (folder / "README.md").read_text()
    assert json.loads((folder / "tokenizer.json").read_text())
    return [[output.name, output.shape[-1]] for output in session.get_outputs()]


def transform(path: Path) -> Any:
    return Transform.load(path).spec if path.exists() else None


def chosen(path: Path) -> Any:
    if not path.exists():
        transform(path.with_suffix(".safetensors"))
        return None
    read = FittedReadout.load(path)
    assert read.transform is not None
    return [str(read.readout), read.provenance["of"], digest(*read.transform.states[0].values())]


def trainings(folder: Path) -> Any:
    """What a comparison keeps; the report is as ``report`` has it."""
    if not folder.exists():
        return None
    for path in folder.rglob("runs/*.json"):
        assert "scores" in json.loads(path.read_text())
    for path in _checkpoints(folder):
        load_classifier(path)
    return report(folder)


def _checkpoints(folder: Path) -> Iterator[Path]:
    for pattern in ("checkpoints/*", "runs/*.checkpoint"):
        for path in folder.rglob(pattern):
            if not path.name.startswith("."):
                yield path
