"""What safetensors and torch cannot write, as the system's own error."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_TORCH = "inline_container"
"""Where in torch a file is written; it does not say why that failed."""

_NUMBER = re.compile(r"\(os error (\d+)\)")


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Around what saves tensors: what the disk refuses is the OSError that Python would raise."""
    try:
        yield
    except SafetensorError as error:
        found = _NUMBER.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from error
    except RuntimeError as error:
        if _TORCH not in str(error):
            raise
        raise OSError(errno.EIO, "torch could not write all of it", str(path)) from error
