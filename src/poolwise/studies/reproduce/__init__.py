"""Published figures, and whether they come out here."""

from poolwise.studies.reproduce.presets import PRESETS, Preset
from poolwise.studies.reproduce.rows import Cell, reproduce

__all__ = ["PRESETS", "Cell", "Preset", "reproduce"]
