"""The fields of an encoder as bytes: for other processes, where no folder holds them."""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any

from poolwise.encoders.families import FAMILIES, Family
from poolwise.errors import EncoderError


def dump_fields(values: Mapping[str, Any]) -> bytes:
    """The checked fields of an encoder as a pickle, families by their names."""
    buffer = BytesIO()
    _Pickler(buffer).dump(dict(values))
    return buffer.getvalue()


def load_fields(data: bytes) -> dict[str, Any]:
    """The fields that ``dump_fields`` wrote, their tensors read-only."""
    values: dict[str, Any] = pickle.loads(data)  # part of a pickle that is being read already
    for tensor in values["tensors"].values():
        tensor.setflags(write=False)
    return values


def expect_hash(name: str, digest: str, pickled: str, source: str) -> None:
    """Raise EncoderError unless ``source`` gave the encoder that was pickled."""
    if digest != pickled:
        raise EncoderError(
            f"{name}: pickled with the hash {pickled[:12]}, but {source} gives {digest[:12]}; "
            "bring that model back, or pickle it again"
        )


def _family(model_type: str) -> Family:
    return FAMILIES[model_type]


def _view(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)  # whose own name no pickle finds


class _Pickler(pickle.Pickler):
    """Pickles read-only views of dicts by value, and families by name."""

    dispatch_table = copyreg.dispatch_table | {
        MappingProxyType: lambda view: (_view, (dict(view),)),
        Family: lambda family: (_family, (family.model_type,)),
    }
