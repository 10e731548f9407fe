"""What checkpoints call the tensors of an encoder, and which of theirs are none of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from poolwise.encoders.families import Family

# What others put before the names: DataParallel, torch.compile, and classes that hold an encoder.
_WRAPPERS = ("module.", "_orig_mod.", "model.")
# The same, where nothing but the encoder stands behind it: sentence-transformers' Transformer.
_HOLDERS = ("0.auto_model.", "0.model.", "auto_model.")
_OLD_ENDS = {".gamma": ".weight", ".beta": ".bias"}

# Constants that old checkpoints carry along, and DeBERTa's positions where the config has none.
_CONSTANTS = (
    "embeddings.position_ids",
    "embeddings.token_type_ids",
    "embeddings.position_embeddings.weight",
)


@dataclass(frozen=True, slots=True)
class TensorName:
    """``whole`` as in the file, ``own`` as in transformers' ``AutoModel``.

    ``held`` where the prefix between the two says that an encoder holds the tensor.
    """

    whole: str
    own: str
    held: bool


def read_name(name: str, family: Family) -> TensorName:
    """The name of a tensor in a checkpoint, without what stands before the encoder's names."""
    prefix = _prefix(family).match(name)
    before = prefix[0] if prefix else ""
    own = name[len(before) :]
    for old, new in _OLD_ENDS.items():
        if own.endswith(old):
            own = own.removesuffix(old) + new
    return TensorName(name, own, any(holder in before for holder in (family.prefix, *_HOLDERS)))


def is_head(own: str, family: Family) -> bool:
    """Whether a tensor is known to be no part of the encoder's computation."""
    return own.startswith((*family.heads, *_CONSTANTS))


def in_encoder(name: TensorName, family: Family) -> bool:
    """Whether a tensor that the tables lack is part of the encoder, and so changes its vectors.

    All that lies where the encoder's own tensors lie is, and all behind a prefix that says so.
    """
    roots = {module.partition(".")[0] for _, rows in family.table for module in rows}
    return name.held or name.own.partition(".")[0] in roots


def _prefix(family: Family) -> re.Pattern[str]:
    before = (*_HOLDERS, *_WRAPPERS, family.prefix)
    return re.compile(f"(?:{'|'.join(map(re.escape, before))})+")
