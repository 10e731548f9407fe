"""Attribution: the share of each token in [CLS], by several methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention import zeroing
from poolwise.studies.attention.block_forward import attention_maps, block_inputs
from poolwise.studies.attention.decomposition import Decomposition, decompose, shares_of_all_rows

RAW, NORMS, ZEROING = "raw attention", "norms", "Value Zeroing"
ROLLOUT = "rollout"

Place = int | str
"""A block's number, or ``ROLLOUT``: the product over all blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Attributions:
    """The tokens' shares in [CLS], for n texts of t tokens; each row sums to 1.

    ``by_block``: method to float32 [depth, n, t]. ``rollouts``: method to [n, t].
    ``decompositions``, one a block, are those of ``NORMS``. For an encoder whose blocks cannot be
    decomposed there is ``RAW`` by block, and no rollout: alone, that of raw attention misleads.
    """

    by_block: Mapping[str, Floats]
    rollouts: Mapping[str, Floats]
    decompositions: Sequence[Decomposition] = ()

    def items(self) -> Iterator[tuple[str, Place, Floats]]:
        """Every method at every place, with its shares [n, t]."""
        for method, shares in self.by_block.items():
            for number, of_block in enumerate(shares, start=1):
                yield method, number, of_block
        for method, rolled_out in self.rollouts.items():
            yield method, ROLLOUT, rolled_out


def attributions(encoder: Encoder, outputs: TokenOutputs) -> Attributions:
    """All methods for one group of texts: ``model.token_outputs(texts, attentions=True)``."""
    mean = attention_maps(outputs).mean(axis=2)
    raw = {RAW: mean[:, :, 0]}
    if not has_separable_blocks(encoder):
        return Attributions(raw, {})
    decompositions = [decompose(*inputs) for inputs in block_inputs(encoder, outputs)]
    norms = np.stack([decomposition.shares for decomposition in decompositions])
    norms_by_row = [shares_of_all_rows(*inputs) for inputs in block_inputs(encoder, outputs)]
    residual = np.eye(mean.shape[-1], dtype=np.float32)
    return Attributions(
        {**raw, NORMS: norms, ZEROING: zeroing.shares(encoder, outputs)},
        {RAW: rollout((mean + residual) / 2), NORMS: rollout(norms_by_row)},
        decompositions,
    )


def rollout(shares: Sequence[Floats] | Floats) -> Floats:
    """The share of each input token in [CLS] of the last block, [n, t].

    ``shares`` is a matrix [n, t, t] a block; their product is Abnar & Zuidema's (2020, "Quantifying
    attention flow in Transformers"), who give the residual connection half of each block's
    attention; shares by norm include it already (Modarressi et al. 2022).
    """
    *lower, last = shares
    row: Floats = last[:, :1]
    for matrix in reversed(lower):
        row = row @ matrix
    return row[:, 0]
