"""Names the machine and the versions that a measurement was made with."""

from __future__ import annotations

import platform
from datetime import UTC, datetime

from poolwise.installation import versions
from poolwise.machine import cores, instructions, processor

PACKAGES = (
    "poolwise",
    "torch",
    "transformers",
    "sentence-transformers",
    "onnxruntime",
    "openvino",
    "nncf",
    "tokenizers",
    "numpy",
)


def describe(*more: str) -> dict[str, str]:
    """With the versions of ``PACKAGES`` and of ``more`` that are installed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "instructions": " ".join(instructions()) or "unknown",
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **versions((*PACKAGES, *more)),
    }
