"""serve.toml: what to serve and how, in a file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import msgspec

from poolwise.errors import OptionError, listed
from poolwise.records import Precision
from poolwise.serving.settings import Settings

MAX_BYTES = 1 << 20


class ModelConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A model: its folder, hub id or "demo"; its readouts, the default first."""

    model: str
    readouts: list[str] = []
    precision: Precision | None = None
    max_length: Annotated[int, msgspec.Meta(ge=3)] | None = None


class ServeConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A whole serve.toml; every table and key may be left out.

    ``models`` by the name that requests give; ``settings`` are fields of ``Settings``.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    insecure: bool = False
    api_key_file: str | None = None
    ollama_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    bert_as_service: dict[str, Any] | None = None
    settings: dict[str, Any] = {}
    models: dict[str, ModelConfig] = {}


def read_config(path: Path) -> ServeConfig:
    """The file's contents. Paths in it are relative to the working directory. Raises OptionError,
    which names the key."""
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise OptionError(f"{path} has {len(content):,} bytes, expected a small file")
        values = tomllib.loads(content.decode())
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{path} is no TOML: {str(error)[:200]}") from error
    try:
        config = msgspec.convert(values, ServeConfig)
        settings_of(config.settings)
    except msgspec.ValidationError as error:
        raise OptionError(f"{path}: {str(error).replace('`', '')}") from error
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from error
    return config


def settings_of(values: Mapping[str, Any], keys: Sequence[str] = ()) -> Settings:
    """``Settings`` of a table's values and ``keys``. Raises OptionError for a key or type that is
    none of its fields."""
    known = {field.name: field.type for field in fields(Settings) if field.name != "api_keys"}
    if unknown := [name for name in values if name not in known]:
        raise OptionError(
            f"settings has {listed(unknown)}; expected some of {listed(known, limit=30)}"
        )
    kinds: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "float": (int, float),
        "bool": bool,
    }
    for name, value in values.items():
        kind = kinds.get(str(known[name]), str)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise OptionError(f"settings.{name} is {value!r:.60}, expected {known[name]}")
    return Settings(**values, api_keys=tuple(keys))
