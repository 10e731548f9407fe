"""Published figures, and whether they are reproduced here."""

from poolwise.reproduction.figures import ReproducedFigure, reproduce
from poolwise.reproduction.presets import PRESETS, Preset

__all__ = ["PRESETS", "Preset", "ReproducedFigure", "reproduce"]
