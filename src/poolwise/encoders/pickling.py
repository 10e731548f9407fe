"""Encoders as bytes, by value: for other processes, where no folder holds them."""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable
from dataclasses import fields
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from poolwise.encoders.families import FAMILIES, Family
from poolwise.errors import EncoderError

if TYPE_CHECKING:
    from poolwise.encoders.encoder import Encoder


def by_value(encoder: Encoder) -> tuple[Callable[..., Encoder], tuple[Any, ...]]:
    """What ``__reduce__`` gives: the checked fields, and none of what was made of them since."""
    values = {field.name: getattr(encoder, field.name) for field in fields(encoder)}
    written = BytesIO()
    _Pickler(written).dump(values)
    return _from_value, (type(encoder), written.getvalue(), encoder.hash)


def expect_hash(encoder: Encoder, pickled: str, where: str) -> None:
    """Raises EncoderError unless the encoder is the one that was pickled."""
    if encoder.hash != pickled:
        raise EncoderError(
            f"{encoder.name}: pickled with the hash {pickled[:12]}, but {where} gives "
            f"{encoder.hash[:12]}; bring that model back, or pickle it again"
        )


def _from_value(kind: type[Encoder], written: bytes, hash_: str) -> Encoder:
    values = pickle.loads(written)  # part of a pickle that is being read already
    for tensor in values["tensors"].values():
        tensor.setflags(write=False)
    encoder = kind(**values)
    expect_hash(encoder, hash_, "this pickle")
    return encoder


def _family(model_type: str) -> Family:
    return FAMILIES[model_type]


def _view(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)  # whose own name no pickle finds


class _Pickler(pickle.Pickler):
    """Knows views of dicts, and families, which the code itself holds."""

    dispatch_table = copyreg.dispatch_table | {
        MappingProxyType: lambda view: (_view, (dict(view),)),
        Family: lambda family: (_family, (family.model_type,)),
    }
