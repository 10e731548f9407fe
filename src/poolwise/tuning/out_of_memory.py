"""Errors for want of memory, with what to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poolwise.errors import StudyError, is_out_of_memory


@contextmanager
def oom_as(batch_size: int, max_length: int, *, resumable: bool) -> Iterator[None]:
    """Turns torch's and Python's out-of-memory errors into ``out_of_memory``; others pass."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(batch_size, max_length, resumable=resumable) from error


def out_of_memory(batch_size: int, max_length: int, *, resumable: bool) -> StudyError:
    """The error for a batch of texts of up to ``max_length`` tokens that does not fit.

    ``resumable``: finished trainings are on disk.
    """
    several = batch_size > 1
    smaller = (
        f"--batch-size {batch_size // 2}" if several else f"--max-length {max(max_length // 2, 3)}"
    )
    saved = "; the trainings that have ended are kept" if resumable else ""
    return StudyError(
        f"out of memory with {batch_size} {'texts' if several else 'text'} a batch, of up to "
        f"{max_length} tokens: try {smaller}{saved}"
    )
