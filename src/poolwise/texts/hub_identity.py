"""What tells a Hugging Face dataset from another, and from itself after a change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_STATE = "state.json"


def folder_version(folder: Path, split: str) -> Mapping[str, Any]:
    """``fingerprint``: what ``save_to_disk`` wrote with the rows; of a folder of files, the sha256
    (hex) over the name, size and time of each."""
    for state in (folder / split / _STATE, folder / _STATE):
        if state.is_file():
            return {"fingerprint": json.loads(state.read_text("utf-8"))["_fingerprint"]}
    return {"fingerprint": _files_hash(folder)}


def hub_version(name: str) -> Mapping[str, Any]:
    """``commit``: the hub's, None where the hub does not answer (what is cached is read then)."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - other sources are read without it
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled  # noqa: PLC0415

    try:
        return {"commit": HfApi().dataset_info(name).sha}
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError):
        return {"commit": None}


def _files_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            line = f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
