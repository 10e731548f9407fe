"""What of a folder a conversion copies as it is, and what it leaves out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.location import PATTERNS
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.tokenizer.spec import MAX_TOKENIZER
from poolwise.encoders.untrusted_files import MEGABYTE, files_under
from poolwise.encoders.weights import memory
from poolwise.errors import EncoderError, UnsafeModelError
from poolwise.files import real_path

LARGEST = 64 * MEGABYTE
"""Bytes of a file that ``load`` does not read."""

DEEPEST = 32
"""Folders around such a file, and itself."""

ALL = 16 * LARGEST
"""Bytes of all such files; what is beyond is left out."""

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

    Returns the names left out, relative to the folder. Hidden folders are no part of a model. A
    link is followed where it stays inside the folder; one that leads out of it is left out, and an
    EncoderError where ``load`` would read it.
    """
    read = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    copied = sorted(read.difference(replaced))
    refuse_links(folder, copied)
    for path in copied:
        _check_size(path)
    left_out, room = [], ALL
    for path in sorted(read.union(files_under(folder)).difference(replaced)):
        name = path.relative_to(folder)
        others = path not in read and _belongs(path, folder)
        room -= path.stat().st_size if others else 0
        if path in read or (others and room >= 0):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
            copy_mode(path, out / name)
        else:
            left_out.append(name.as_posix())
    return tuple(left_out)


def _check_size(path: Path) -> None:
    """Raise EncoderError for a file that ``load`` would read and refuse for its size: it may be
    all holes, and its copy has none."""
    size = path.stat().st_size
    if path.suffix == ".safetensors":
        open_safetensors(path)
    most = memory() if path.suffix == ".safetensors" else MAX_TOKENIZER
    if size > most:
        raise UnsafeModelError(
            f"{path}: {size:,} bytes, but such a file may have at most {most:,} here"
        )


def _belongs(path: Path, folder: Path) -> bool:
    if any(fnmatch(path.name.lower(), pattern) for pattern in _LEFT_OUT):
        return False
    if not path.is_file() or len(path.relative_to(folder).parts) > DEEPEST:
        return False
    return path.stat().st_size <= LARGEST and _stays(path, folder)


def refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise EncoderError for a path of ``folder`` that leads to a file elsewhere, whose content
    would be copied into a folder to be given away."""
    for path in paths:
        if not _stays(path, folder):
            raise EncoderError(
                f"{path}: leads out of the folder, to {real_path(path)}; convert copies nothing "
                "from elsewhere: put the file itself in its place"
            )


def _stays(path: Path, folder: Path) -> bool:
    """Inside the folder or, in the hub's cache, among the blobs that its snapshots link to."""
    whole, found = real_path(folder), real_path(path)
    inside = found.is_relative_to(whole)
    return inside or (
        whole.parent.name == "snapshots" and found.is_relative_to(whole.parents[1] / "blobs")
    )


def copy_mode(source: Path, target: Path) -> None:
    """Who may read, write and run a file; never what runs it as another user."""
    target.chmod(source.stat().st_mode & 0o777)
