"""One or several sentences, seen from inside: what ``poolwise inspect`` shows, as plain data."""

from poolwise.inspection.document import inspect

__all__ = ["inspect"]
