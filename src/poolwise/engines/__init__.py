"""How it is computed: the plan, the batches, and the engines that keep one protocol."""

from poolwise.engines.batches import batches, pack
from poolwise.engines.engine import Engine, Pooled, open_engine
from poolwise.engines.plan import Plan, Source, plan

__all__ = ["Engine", "Plan", "Pooled", "Source", "batches", "open_engine", "pack", "plan"]
