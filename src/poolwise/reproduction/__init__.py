"""Published figures, and whether they come out here."""

from poolwise.reproduction.presets import PRESETS, Preset
from poolwise.reproduction.rows import Cell, reproduce

__all__ = ["PRESETS", "Cell", "Preset", "reproduce"]
