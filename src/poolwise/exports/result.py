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
class ExportResult:
    """A folder that was written: ``blocks`` of the model's ``depth`` are in it.

    ``modules`` are the classes of its modules, the encoder's first, or the graph's file.
    ``difference`` is the largest between the vectors of ``texts`` texts, when ``reader`` loads the
    folder, and poolwise's own, as a share of their largest value. ``misreadings`` are the loaders
    known to leave out a part of this folder.
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

    @property
    def reader(self) -> str:
        """The library that the format is for."""
        return "onnxruntime" if self.format == "onnx" else self.format
