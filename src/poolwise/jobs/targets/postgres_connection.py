"""A connection to PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolwise.errors import StoreError, needs

if TYPE_CHECKING:
    from psycopg import Connection


def connect(location: str, needed_for: str) -> Connection:
    """A connection to the URI ``location``, each statement of which is a transaction of its own.

    Raises StoreError with the server's words, MissingExtraError naming what it is ``needed_for``.
    """
    with needs("pgvector", needed_for):
        import psycopg  # noqa: PLC0415 - an extra

    try:
        return psycopg.connect(location, autocommit=True, client_encoding="utf8")
    except psycopg.Error as error:
        raise StoreError(
            f"PostgreSQL cannot be reached: {str(error).strip()}; check host, database, user and "
            "password of the address"
        ) from None
