"""The encoder where training begins: the blocks that are read, the last ones re-initialised."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from poolwise.encoders import Encoder
from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.encoders.variants.truncate_depth import fewest_blocks, truncate_depth
from poolwise.engines import plan
from poolwise.errors import EncoderError
from poolwise.readouts import Readout


def initial_encoder(encoder: Encoder, readout: Readout, reinit: int, seed: int) -> Encoder:
    """``encoder`` cut to what ``readout`` reads, with new weights in the last ``reinit`` blocks.

    With new blocks the pooler, if it is read, is new too (Zhang et al. 2021, "Revisiting few-sample
    BERT fine-tuning"). Raises ReadoutError for a readout that the encoder does not have,
    EncoderError where a re-initialised block shares its weights with one below.
    """
    plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    deepest = max(readout.layer_indices(encoder.depth))
    encoder = truncate_depth(encoder, fewest_blocks(encoder, deepest))
    if readout.layers is not None:
        names = encoder.family.shapes(encoder.config.values)
        tensors = {name: encoder.tensors[name] for name in names}
        encoder = replace(encoder, tensors=MappingProxyType(tensors))
    return _with_new_blocks(encoder, deepest, reinit, seed) if reinit else encoder


def _with_new_blocks(encoder: Encoder, deepest: int, reinit: int, seed: int) -> Encoder:
    family, values = encoder.family, encoder.config.values
    groups = [family.group(values, block) for block in range(deepest)]
    first = max(deepest - reinit, 0)
    old, new = groups[:first], groups[first:]
    if set(old) & set(new):
        raise EncoderError(
            f"{encoder.name}: its blocks share weights, so the last {reinit} cannot be drawn anew "
            "without those below; tune without re-initialisation"
        )
    prefixes = tuple(f"{family.blocks}.{group}." for group in new)
    if encoder.has_pooler:
        prefixes += (f"{family.pooler}.",)
    new_tensors = reinitialize(encoder, seed).tensors
    tensors = {
        name: new_tensors[name] if name.startswith(prefixes) else tensor
        for name, tensor in encoder.tensors.items()
    }
    return replace(encoder, tensors=MappingProxyType(tensors))
