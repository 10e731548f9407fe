"""The fastest float32 matrix product that a library reaches here, with all cores."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch

SHAPES = ((512, 384, 384), (512, 384, 1536), (1024, 768, 3072), (1024, 1024, 1024), (2048,) * 3)
"""Rows, depth, columns: what an encoder multiplies, and squares, which libraries are tuned for."""

BURST_S = 0.2


@dataclass(frozen=True, slots=True)
class Gemm:
    """A product that can be run again, beside whatever is measured."""

    name: str
    product: Callable[[], object]
    gflop: float

    def rate(self) -> float:
        """GFLOP/s over a burst."""
        began, count = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < BURST_S or not count:
            self.product()
            count += 1
        return count * self.gflop / took

    def burst(self) -> Gemm:
        """So many of these products, as one, that they fill a burst."""
        count = max(round(BURST_S * self.rate() / self.gflop), 1)

        def several() -> None:
            for _ in range(count):
                self.product()

        return replace(self, product=several, gflop=count * self.gflop)


def fastest() -> Gemm:
    """The best of these libraries, shapes and ways to use the cores."""
    gemms = [gemm for shape in SHAPES for gemm in _variants(*shape)]
    for gemm in gemms:
        gemm.product()
    return max(gemms, key=lambda gemm: max(gemm.rate() for _ in range(3)))


def _variants(rows: int, depth: int, columns: int) -> list[Gemm]:
    shape, gflop = f"{rows} x {depth} x {columns}", 2 * rows * depth * columns / 1e9
    a, b = torch.randn(rows, depth), torch.randn(depth, columns)
    x, y = a.numpy(), b.numpy()
    out, numpy_out = torch.empty(rows, columns), np.empty((rows, columns), np.float32)
    return [
        Gemm(f"torch.mm, {shape}", lambda: torch.mm(a, b, out=out), gflop),
        Gemm(f"NumPy, {shape}", lambda: np.matmul(x, y, out=numpy_out), gflop),
        _streams(a, b, shape, gflop),
    ]


def _streams(a: torch.Tensor, b: torch.Tensor, shape: str, gflop: float) -> Gemm:
    """A product of its own for each core, one thread each, several before they meet again."""
    cores, several = torch.get_num_threads(), 8
    pool = ThreadPoolExecutor(cores, initializer=lambda: torch.set_num_threads(1))

    def run(_: int) -> None:
        out = torch.empty(a.shape[0], b.shape[1])
        for _ in range(several):
            torch.mm(a, b, out=out)

    name = f"torch.mm, {shape}, one on each core"
    return Gemm(name, lambda: list(pool.map(run, range(cores))), gflop * several * cores)
