"""Out of memory, told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poolwise.errors import StudyError

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


@contextmanager
def oom_as(batch: int, longest: int, *, kept: bool) -> Iterator[None]:
    """Turns an error for want of memory into one that says what to try; any other passes."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in _SIGNS):
            raise
        raise out_of_memory(batch, longest, kept=kept) from error


def out_of_memory(batch: int, longest: int, *, kept: bool) -> StudyError:
    """``batch`` texts of up to ``longest`` tokens did not fit; ``kept``: what has ended stays."""
    smaller = f"--batch-size {batch // 2}" if batch > 1 else f"--max-length {max(longest // 2, 3)}"
    stays = "; the trainings that have ended are kept" if kept else ""
    return StudyError(
        f"out of memory with {batch} {'texts' if batch > 1 else 'text'} a batch, of up to "
        f"{longest} tokens: try {smaller}{stays}"
    )
