"""Published figures, and whether they come out here."""

from poolwise.reproduction.cells import Cell, reproduce
from poolwise.reproduction.presets import PRESETS, Preset

__all__ = ["PRESETS", "Cell", "Preset", "reproduce"]
