"""How many threads the BLAS under numpy takes."""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def single_blas_thread() -> AbstractContextManager[object]:
    """Context: BLAS calls run on one thread.

    Threads of a BLAS wait by spinning: on cores that others use too, one is faster than two.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits
