"""Would a score without labels have chosen the readout?"""

from poolwise.studies.hints.study import Hints

__all__ = ["Hints"]
