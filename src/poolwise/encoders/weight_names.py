"""Names of tensors in checkpoints, and the same without what stands before an encoder's names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from poolwise.encoders.families import Family

# Prefixes of DataParallel, torch.compile, and classes that hold an encoder among other modules.
_WRAPPERS = ("module.", "_orig_mod.", "model.")
# Prefixes behind which only an encoder stands: sentence-transformers' Transformer.
_ENCODER_WRAPPERS = ("0.auto_model.", "0.model.", "auto_model.")
_OLD_ENDS = {".gamma": ".weight", ".beta": ".bias"}

# Constants in old checkpoints, and DeBERTa's positions where the config has none.
_CONSTANTS = (
    "embeddings.position_ids",
    "embeddings.token_type_ids",
    "embeddings.position_embeddings.weight",
)


@dataclass(frozen=True, slots=True)
class TensorName:
    """``stored`` is the name in the file, ``canonical`` that in transformers' ``AutoModel``.

    ``prefixed`` tells that the prefix between the two is that of an encoder. The tensor is the
    ``part``-th of ``parts`` that are stacked in the file's.
    """

    stored: str
    canonical: str
    prefixed: bool
    part: int = 0
    parts: int = 1


def read_names(stored: str, family: Family) -> tuple[TensorName, ...]:
    """The name of a tensor in a checkpoint, without prefixes and as transformers spells it.

    Several names where the file's tensor is a stack of several.
    """
    match = _prefix(family).match(stored)
    prefix = match[0] if match else ""
    canonical = stored[len(prefix) :]
    for old, new in _OLD_ENDS.items():
        if canonical.endswith(old):
            canonical = canonical.removesuffix(old) + new
    for spelling, name in family.spellings.items():
        canonical = re.sub(spelling, name, canonical)
    wrappers = (family.prefix, *_ENCODER_WRAPPERS)
    prefixed = any(wrapper in prefix for wrapper in wrappers)
    for module, parts in family.stacked.items():
        if module in canonical:
            return tuple(
                TensorName(stored, canonical.replace(module, part), prefixed, index, len(parts))
                for index, part in enumerate(parts)
            )
    return (TensorName(stored, canonical, prefixed),)


def is_head(canonical: str, family: Family) -> bool:
    """Whether a tensor is known to take no part in the encoder's computation."""
    return canonical.startswith((*family.heads, *_CONSTANTS))


def in_encoder(name: TensorName, family: Family) -> bool:
    """Whether a tensor that the tables lack is part of the encoder, and so changes its vectors.

    Tensors of the encoder's own modules are, and all behind an encoder's prefix.
    """
    roots = {module.partition(".")[0] for _, rows in family.table for module in rows}
    return name.prefixed or name.canonical.partition(".")[0] in roots


def _prefix(family: Family) -> re.Pattern[str]:
    prefixes = (*_ENCODER_WRAPPERS, *_WRAPPERS, family.prefix)
    return re.compile(f"(?:{'|'.join(map(re.escape, prefixes))})+")
