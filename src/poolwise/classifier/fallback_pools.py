"""The pools for texts that lack the tokens which a pool reads: every text needs a vector."""

from __future__ import annotations

from collections.abc import Mapping

from poolwise.readouts import Pool, PoolKind

FALLBACK_POOLS: Mapping[PoolKind, Pool] = {
    "token": Pool("sep"),
    "mean[words]": Pool("mean"),
    "max[words]": Pool("max"),
}
"""By the pool that lacks its tokens: a text without words is pooled over all its tokens, and
``token[9]`` of five tokens is the last one, [SEP]."""
