"""What does each layer know? Many small tasks, each read by a linear probe, beside its controls."""

from poolwise.studies.probing.study import Knows

__all__ = ["Knows"]
