"""The Python API: every command as a function, whose result shows itself in a notebook."""

from poolwise.api.ask import AskResult, ask
from poolwise.api.export import export
from poolwise.api.inspect import Inspection, inspect
from poolwise.api.sweep import SweepResult, sweep
from poolwise.api.tune import TuneReport, tune

__all__ = [
    "AskResult",
    "Inspection",
    "SweepResult",
    "TuneReport",
    "ask",
    "export",
    "inspect",
    "sweep",
    "tune",
]
