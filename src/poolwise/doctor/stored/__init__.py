"""Vectors that exist already, with their texts."""

from poolwise.doctor.stored.stored_vectors import DEFAULT_LIMIT, stored_vectors

__all__ = ["DEFAULT_LIMIT", "stored_vectors"]
