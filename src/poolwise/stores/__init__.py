"""Where vectors go."""

from poolwise.stores.store import Store, create

__all__ = ["Store", "create"]
