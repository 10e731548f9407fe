"""Which texts are near everything, and what centring or whitening does to that."""

from poolwise.studies.hubness.study import Hubness

__all__ = ["Hubness"]
