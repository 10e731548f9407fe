"""Reconstructing sentences from their vectors, with decoders trained on frozen vectors."""

from poolwise.studies.inversion.study import Inversion

__all__ = ["Inversion"]
