"""A file of torch.save: the tensors of its state dict, without unpickling.

It is a zip archive of a pickle and one record of plain bytes a storage; before torch 1.6, several
pickles in a row, and then the storages. ``pickle_values`` reads the pickles.
"""

from __future__ import annotations

from io import SEEK_END, BytesIO, FileIO
from pathlib import Path
from struct import error as struct_error
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from poolwise.encoders.conversion.pickle_values import read_pickle
from poolwise.encoders.conversion.stored_tensors import TYPE_BYTES, ConversionError, StoredTensor
from poolwise.encoders.conversion.torch_tensors import (
    GLOBALS,
    Storage,
    Storages,
    rebuild_args,
    storage_reference,
    stored_tensor,
)
from poolwise.encoders.safetensors_file import MAX_TENSORS
from poolwise.encoders.untrusted_files import MEGABYTE

MAX_PICKLE = 8 * MEGABYTE
"""Bytes of a pickle; a state dict takes about 200 bytes a tensor."""

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001


def open_torch(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a state dict by name; none of their values has been read.

    Raises ConversionError for a file that holds something else, or more.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            content, storages = _read_zip(path) if zipped else _read_legacy(file)
    except OSError as error:  # also for an offset that no file has
        raise ConversionError(f"cannot be read: {error.strerror or error}") from error
    if not isinstance(content, dict) or len(content) > MAX_TENSORS:
        raise _no_state_dict()
    end = path.stat().st_size
    return {name: _tensor(name, value, storages, path, end) for name, value in content.items()}


def _tensor(name: Any, value: Any, storages: Storages, path: Path, end: int) -> StoredTensor:
    args = rebuild_args(value)
    if not isinstance(name, str) or args is None:
        raise _no_state_dict()
    return stored_tensor(name, args, storages, path, end)


def _no_state_dict() -> ConversionError:
    return ConversionError(
        f"it is not a state dict (tensor names and tensors, at most {MAX_TENSORS:,})"
    )


class _BoundedFile(FileIO):
    """A file that reads at most ``MAX_PICKLE`` bytes at once, the zip directory among them."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_PICKLE:
            raise ConversionError(f"refused, its zip directory has {size:,} bytes")
        return super().read(-1 if size is None else size) or b""


def _read_zip(path: Path) -> tuple[Any, Storages]:
    with _BoundedFile(path) as file:
        try:
            archive = ZipFile(file)
        except (BadZipFile, ValueError, NotImplementedError, OSError, struct_error) as error:
            raise ConversionError(
                f"a damaged zip archive ({str(error)[:100]}); download it again"
            ) from error
        infos = {info.filename: info for info in archive.infolist()}
        if len(infos) > 2 * MAX_TENSORS:
            raise ConversionError(f"refused, it is a zip archive of {len(infos):,} files")
        pickles = [name for name in infos if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise ConversionError("it is a zip archive, but none of torch.save: it has no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        records = {name: _record(file, info) for name, info in infos.items()}
        order = f"{root}byteorder"
        if order in records and _record_bytes(file, records, order) != b"little":
            raise ConversionError("it was written on a machine of the other byte order")
        content = read_pickle(BytesIO(_record_bytes(file, records, pickles[0])), GLOBALS)
    data = f"{root}data/"
    storages = {
        name.removeprefix(data): record for name, record in records.items() if name.startswith(data)
    }
    return content, storages


def _record(file: BinaryIO, info: ZipInfo) -> Storage | str:
    """The bytes of a record, after its own header; or the reason why they cannot be read."""
    if info.compress_type != ZIP_STORED or info.file_size != info.compress_size:
        return "compressed, which torch.save never does"
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        return "not where the zip archive says"
    lengths = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    return Storage(info.header_offset + 30 + sum(lengths), info.file_size)


def _record_bytes(file: BinaryIO, records: Storages, name: str) -> bytes:
    record = records[name]
    if isinstance(record, str):
        raise ConversionError(f"refused, its {name[:100]!a} is {record}")
    if record.nbytes > MAX_PICKLE:
        raise ConversionError(f"refused, its {name[:100]!a} has {record.nbytes:,} bytes")
    file.seek(record.begin)
    return file.read(record.nbytes)


def _read_legacy(file: BinaryIO) -> tuple[Any, Storages]:
    """Five pickles, and then the storages in the order of the fifth, each after its count.

    The bytes of a value are known only from a tensor that refers to the storage.
    """
    head = BytesIO(file.read(MAX_PICKLE))
    magic = read_pickle(head, GLOBALS)
    if magic != _MAGIC or read_pickle(head, ()) != _VERSION:
        raise ConversionError("refused, it holds more than tensors, or is no file of torch.save")
    system = read_pickle(head, ())
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ConversionError("it was written on a machine of the other byte order")
    content, keys = read_pickle(head, GLOBALS), read_pickle(head, ())
    values = content.values() if isinstance(content, dict) else ()
    references = [
        storage_reference(args) for value in values if (args := rebuild_args(value)) is not None
    ]
    widths = {key: TYPE_BYTES[dtype] for dtype, key in references}
    storages: dict[str, Storage | str] = {}
    position, end = head.tell(), file.seek(0, SEEK_END)
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in widths:
            raise ConversionError("refused, it holds more than tensors: a storage of none")
        if position + 8 > end:
            storages[key] = "beyond the end of the file"
            continue
        file.seek(position)
        count = int.from_bytes(file.read(8), "little")
        storage = Storage(position + 8, count * widths[key])
        storages[key], position = storage, storage.begin + storage.nbytes
    return content, storages
