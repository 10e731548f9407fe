"""How much of the sentence is in the vector? Decoders learn to say it again."""

from poolwise.studies.recover.study import Recover

__all__ = ["Recover"]
