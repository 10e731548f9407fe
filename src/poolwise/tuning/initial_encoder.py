"""The encoder that a training begins from: as far as it is read, the last blocks drawn anew."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from poolwise.encoders import Encoder
from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.encoders.variants.truncate_depth import fewest_blocks, truncate_depth
from poolwise.engines import plan
from poolwise.errors import EncoderError
from poolwise.readouts import Readout


def begun(encoder: Encoder, readout: Readout, fresh: int, seed: int) -> Encoder:
    """``encoder`` cut to what ``readout`` reads, with new weights in its last ``fresh`` blocks.

    Those are the last that are read; the pooler, if it is read, is then new too (Zhang et al.
    2021, "Revisiting few-sample BERT fine-tuning"). Raises ReadoutError for a readout that the
    encoder does not have, EncoderError where older blocks have the same weights as new ones.
    """
    plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    deepest = max(readout.layer_indices(encoder.depth))
    left = truncate_depth(encoder, fewest_blocks(encoder, deepest))
    if readout.layers is not None:
        names = left.family.shapes(left.config.values)
        left = replace(left, tensors=MappingProxyType({n: left.tensors[n] for n in names}))
    return _with_new_top(left, deepest, fresh, seed) if fresh else left


def _with_new_top(encoder: Encoder, deepest: int, fresh: int, seed: int) -> Encoder:
    family, values = encoder.family, encoder.config.values
    groups = [family.group(values, block) for block in range(deepest)]
    old, new = groups[: max(deepest - fresh, 0)], groups[max(deepest - fresh, 0) :]
    if set(old) & set(new):
        raise EncoderError(
            f"{encoder.name}: its blocks share weights, so the last {fresh} cannot be drawn anew "
            "without those below; tune without re-initialisation"
        )
    starts = tuple(f"{family.blocks}.{group}." for group in new)
    if encoder.has_pooler:
        starts += (f"{family.pooler}.",)
    drawn = reinitialize(encoder, seed).tensors
    tensors = {n: drawn[n] if n.startswith(starts) else t for n, t in encoder.tensors.items()}
    return replace(encoder, tensors=MappingProxyType(tensors))
