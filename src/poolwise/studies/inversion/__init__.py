"""How much of the sentence is in the vector? Decoders learn to say it again."""

from poolwise.studies.inversion.study import Inversion

__all__ = ["Inversion"]
