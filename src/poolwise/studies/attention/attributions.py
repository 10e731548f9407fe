"""Ways of saying how much of [CLS] is due to each token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention import zeroing
from poolwise.studies.attention.block_forward import maps_of, passages
from poolwise.studies.attention.decomposition import Parts, decompose, mixing

RAW, NORMS, ZEROING = "raw attention", "norms", "Value Zeroing"
ROLLOUT = "rollout"

Place = int | str
"""A block's number, or ``ROLLOUT``: all blocks, one through the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Shares of [CLS] that n texts of t tokens have in it; each row sums to 1.

    ``by_block``: a way to float32 [depth, n, t]. ``rollouts``: to [n, t]. ``parts``, a block each,
    are what ``NORMS`` rests on. Of an encoder whose blocks cannot be taken apart there is ``RAW``
    by block, and no rollout: that of raw attention misleads where it stands alone.
    """

    by_block: Mapping[str, Floats]
    rollouts: Mapping[str, Floats]
    parts: Sequence[Parts] = ()

    def each(self) -> Iterator[tuple[str, Place, Floats]]:
        """Every way at every place, with shares [n, t]."""
        for way, shares in self.by_block.items():
            for number, found in enumerate(shares, start=1):
                yield way, number, found
        for way, found in self.rollouts.items():
            yield way, ROLLOUT, found


def ways(encoder: Encoder, some: TokenOutputs) -> Ways:
    """All ways for one group of texts: ``model.token_outputs(texts, attentions=True)``."""
    mean = maps_of(some).mean(axis=2)
    raw = {RAW: mean[:, :, 0]}
    if not has_separable_blocks(encoder):
        return Ways(raw, {})
    parts = [decompose(*passage) for passage in passages(encoder, some)]
    norms = np.stack([part.shares for part in parts])
    mixed = [mixing(*passage) for passage in passages(encoder, some)]
    residual = np.eye(mean.shape[-1], dtype=np.float32)
    return Ways(
        {**raw, NORMS: norms, ZEROING: zeroing.shares(encoder, some)},
        {RAW: rollout((mean + residual) / 2), NORMS: rollout(mixed)},
        parts,
    )


def rollout(mixed: Sequence[Floats] | Floats) -> Floats:
    """What reaches [CLS] from each input through all blocks, [n, t], of a matrix [n, t, t] a block.

    Their product (Abnar & Zuidema 2020, "Quantifying attention flow in Transformers"), who give the
    residual half of each block's attention; shares by norm have it in them already (Modarressi et
    al. 2022).
    """
    *before, last = mixed
    reached: Floats = last[:, :1]
    for matrix in reversed(before):
        reached = reached @ matrix
    return reached[:, 0]
