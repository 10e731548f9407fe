"""The files of a folder that a conversion copies, and those that it leaves out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.location import PATTERNS
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.tokenizer.spec import MAX_TOKENIZER
from poolwise.encoders.untrusted_files import MEGABYTE, files_under
from poolwise.errors import EncoderError, UnsafeModelError
from poolwise.files import real_path
from poolwise.machine import memory

MAX_EXTRA_FILE = 64 * MEGABYTE
"""Bytes of a file that ``load`` does not read; larger ones are left out."""

MAX_EXTRA_DEPTH = 32
"""Parts of the path of such a file."""

MAX_EXTRA_TOTAL = 16 * MAX_EXTRA_FILE
"""Bytes of all such files together."""

_LEFT_OUT_PATTERNS = (
    # code
    *("*.py", "*.pyc", "*.so", "*.dll", "*.sh"),
    # pickles, of which the optimizer's states are some
    *("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.joblib", "*.ckpt", "pytorch_model.bin.*"),
    # weights that nothing here reads
    *("*.h5", "*.h5.index.json", "*.keras", "*.msgpack", "*.onnx", "*.onnx_data", "*.gguf", "*.ot"),
    *("*.pb", "*.ckpt.*", "*.tflite", "*.mlmodel", "openvino*.xml"),
)


def copy_files(folder: Path, out: Path, replaced: Sequence[Path]) -> tuple[str, ...]:
    """Copy all of ``folder`` that is neither ``replaced`` nor of a kind that is left out.

    Returns the names left out, relative to the folder. Hidden folders are no part of a model. A
    link is followed where it stays inside the folder; one that leads out of it is left out, and an
    EncoderError where ``load`` would read it.
    """
    needed = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    copied = sorted(needed.difference(replaced))
    refuse_links(folder, copied)
    for path in copied:
        _check_size(path)
    names_left_out, room = [], MAX_EXTRA_TOTAL
    for path in sorted(needed.union(files_under(folder)).difference(replaced)):
        name = path.relative_to(folder)
        extra = path not in needed and _is_copied(path, folder)
        room -= path.stat().st_size if extra else 0
        if path in needed or (extra and room >= 0):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
            copy_mode(path, out / name)
        else:
            names_left_out.append(name.as_posix())
    return tuple(names_left_out)


def _check_size(path: Path) -> None:
    """Raise EncoderError for a file that ``load`` would refuse for its size: the copy of a sparse
    file would have no holes."""
    size = path.stat().st_size
    if path.suffix == ".safetensors":
        open_safetensors(path)
    limit = memory() if path.suffix == ".safetensors" else MAX_TOKENIZER
    if size > limit:
        raise UnsafeModelError(
            f"{path}: {size:,} bytes, but such a file may have at most {limit:,} here"
        )


def _is_copied(path: Path, folder: Path) -> bool:
    if any(fnmatch(path.name.lower(), pattern) for pattern in _LEFT_OUT_PATTERNS):
        return False
    if not path.is_file() or len(path.relative_to(folder).parts) > MAX_EXTRA_DEPTH:
        return False
    return path.stat().st_size <= MAX_EXTRA_FILE and _is_inside(path, folder)


def refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise EncoderError for links out of ``folder``: private files would be copied into a folder
    that may be published."""
    for path in paths:
        if not _is_inside(path, folder):
            raise EncoderError(
                f"{path}: leads out of the folder, to {real_path(path)}; convert copies nothing "
                "from elsewhere: put the file itself in its place"
            )


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path is inside the folder or, in the hub's cache, among its snapshot's blobs."""
    root, target = real_path(folder), real_path(path)
    inside = target.is_relative_to(root)
    return inside or (
        root.parent.name == "snapshots" and target.is_relative_to(root.parents[1] / "blobs")
    )


def copy_mode(source: Path, target: Path) -> None:
    """Copy the permissions of a file, without setuid and setgid."""
    target.chmod(source.stat().st_mode & 0o777)
