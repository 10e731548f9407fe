"""Tokens, norms, cosines and attributions of a few sentences: what ``poolwise inspect`` shows."""

from poolwise.inspection.document import inspect

__all__ = ["inspect"]
