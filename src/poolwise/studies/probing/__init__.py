"""What does each layer know? Many small tasks, each read by a linear probe, beside its controls."""

from poolwise.studies.probing.study import Probing

__all__ = ["Probing"]
