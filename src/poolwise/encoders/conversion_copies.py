"""What of a folder a conversion copies as it is, and what it leaves out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.files import MEGABYTE
from poolwise.encoders.sources import PATTERNS

LARGEST = 64 * MEGABYTE
"""Of a file that ``load`` does not read."""

_LEFT_OUT = (
    # code
    *("*.py", "*.pyc", "*.so", "*.dll", "*.sh"),
    # pickles, of which the optimizer's states are some
    *("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.joblib", "*.ckpt", "pytorch_model.bin.*"),
    # weights that nothing here reads
    *("*.h5", "*.h5.index.json", "*.keras", "*.msgpack", "*.onnx", "*.onnx_data", "*.gguf", "*.ot"),
    *("*.pb", "*.ckpt.*", "*.tflite", "*.mlmodel", "openvino*.xml"),
)


def copy_rest(folder: Path, out: Path, replaced: Sequence[Path]) -> tuple[str, ...]:
    """Copy all of ``folder`` that is neither ``replaced`` nor of a kind that is left out.

    Gives the names left out, relative to the folder. Hidden folders are no part of a model; a link
    is followed where ``load`` follows it, or where it stays inside the folder.
    """
    read = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    left_out = []
    for path in sorted(read.union(_files(folder)).difference(replaced)):
        name = path.relative_to(folder)
        if path in read or _belongs(path, folder):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
        else:
            left_out.append(name.as_posix())
    return tuple(left_out)


def _files(folder: Path) -> Iterator[Path]:
    """Every file of a folder; no folder is entered through a link."""
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _files(path)


def _belongs(path: Path, folder: Path) -> bool:
    if any(fnmatch(path.name.lower(), pattern) for pattern in _LEFT_OUT):
        return False
    return path.stat().st_size <= LARGEST and path.resolve().is_relative_to(_root(folder))


def _root(folder: Path) -> Path:
    """The folder itself; in the hub's cache the repository, whose snapshots link to its blobs."""
    whole = folder.resolve()
    return whole.parents[1] if whole.parent.name == "snapshots" else whole
