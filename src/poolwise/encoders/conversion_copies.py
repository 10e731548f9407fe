"""What of a folder a conversion copies as it is, and what it leaves out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.files import MEGABYTE
from poolwise.encoders.sources import PATTERNS
from poolwise.errors import EncoderError

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

    Gives the names left out, relative to the folder. Hidden folders are no part of a model. A link
    is followed where it stays inside the folder; one that leads out of it is left out, and where
    ``load`` would read it an EncoderError.
    """
    read = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    refuse_links(folder, sorted(read.difference(replaced)))
    left_out = []
    for path in sorted(read.union(_files(folder)).difference(replaced)):
        name = path.relative_to(folder)
        if path in read or _belongs(path, folder):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
            copy_mode(path, out / name)
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
    return path.stat().st_size <= LARGEST and _stays(path, folder)


def refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise EncoderError for a path of ``folder`` that leads to a file elsewhere, whose content
    would be copied into a folder to be given away."""
    for path in paths:
        if not _stays(path, folder):
            raise EncoderError(
                f"{path}: leads out of the folder, to {path.resolve()}; convert copies nothing "
                "from elsewhere: put the file itself in its place"
            )


def _stays(path: Path, folder: Path) -> bool:
    """Inside the folder or, in the hub's cache, among the blobs that its snapshots link to."""
    whole, found = folder.resolve(), path.resolve()
    inside = found.is_relative_to(whole)
    return inside or (
        whole.parent.name == "snapshots" and found.is_relative_to(whole.parents[1] / "blobs")
    )


def copy_mode(source: Path, target: Path) -> None:
    """Who may read, write and run a file; never what runs it as another user."""
    target.chmod(source.stat().st_mode & 0o777)
