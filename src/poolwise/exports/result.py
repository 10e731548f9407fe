"""What an export has written, and how well it reads back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from poolwise.readouts import Readout

Format = Literal["sentence-transformers", "transformers", "onnx"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Misreading:
    """What ``loader`` leaves out of a folder without an error, and what to use ``instead``."""

    loader: str
    omits: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class QuantizedGraph:
    """A graph in int8 and its ``size`` in bytes, beside that of the graph in float32.

    The cosines are those between its vectors of ``texts`` texts and poolwise's own.
    """

    file: str
    size: int
    float_size: int
    texts: int
    mean_cosine: float
    worst_cosine: float

    def __str__(self) -> str:
        size, float_size = (bytes_ / 1e6 for bytes_ in (self.size, self.float_size))
        return (
            f"{self.file}: int8, {size:.1f} MB where float32 takes {float_size:.1f}; cosine to "
            f"the exact vectors of {self.texts} texts {self.mean_cosine:.4f} on average, "
            f"{self.worst_cosine:.4f} at worst"
        )


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A folder that was written: ``blocks`` of the model's ``depth`` are in it.

    ``modules`` are the classes of its modules, the encoder's first, or the graph's file and the
    modules that make the readout of its token vectors, if it gives any.
    ``difference`` is the largest between the vectors of ``texts`` texts, when ``reader`` loads the
    folder, and poolwise's own, as a share of their largest value. ``misreadings`` are the loaders
    known to leave out a part of this folder. ``quantized`` is the graph in int8, if one was asked
    for.
    """

    folder: Path
    format: Format
    readout: Readout
    modules: tuple[str, ...]
    blocks: int
    depth: int
    width: int
    difference: float
    texts: int
    misreadings: tuple[Misreading, ...] = ()
    quantized: QuantizedGraph | None = None

    @property
    def reader(self) -> str:
        """The library that the format is for."""
        return "onnxruntime" if self.format == "onnx" else self.format
