"""Errors of safetensors and torch on writing, as the OSError of the system."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_TORCH = "inline_container"
"""The part of torch that writes a file; its error gives no reason."""

_NUMBER = re.compile(r"\(os error (?P<number>\d+)\)|\bOs \{ code: (?P<code>\d+)")
"""The second form is that of safetensors before 0.6."""


@contextmanager
def tensor_os_errors(path: Path) -> Iterator[None]:
    """A context in which a failed write of tensors raises the OSError that Python would raise."""
    try:
        yield
    except SafetensorError as error:
        match = _NUMBER.search(str(error))
        if match is None:
            raise
        number = int(match["number"] or match["code"])
        raise OSError(number, os.strerror(number), str(path)) from error
    except RuntimeError as error:
        if _TORCH not in str(error):
            raise
        raise OSError(errno.EIO, "torch could not write all of it", str(path)) from error
