"""How vectors are computed: the plan, the batches, and the engines behind one protocol."""

from poolwise.engines.batches import batches, pack
from poolwise.engines.engine import BatchOutputs, Engine
from poolwise.engines.layer_sums import combined_states
from poolwise.engines.opening import engine_of, open_engine
from poolwise.engines.plan import Plan, PooledState, plan

__all__ = [
    "BatchOutputs",
    "Engine",
    "Plan",
    "PooledState",
    "batches",
    "combined_states",
    "engine_of",
    "open_engine",
    "pack",
    "plan",
]
