"""An encoder from its folder: every file read and checked."""

from __future__ import annotations

from operator import index
from pathlib import Path

from poolwise.encoders.config import Config, read_config
from poolwise.encoders.encoder import Encoder
from poolwise.encoders.location import display_name, locate
from poolwise.encoders.modules.modules import Modules, read_modules
from poolwise.encoders.tokenizer.reader import read_tokenizer
from poolwise.encoders.tokenizer.settings import TokenizerSettings, read_settings
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.encoders.untrusted_files import abridge
from poolwise.encoders.weight_formats import missing_config, refuse_adapters
from poolwise.encoders.weights import read_weights, select_tensors
from poolwise.errors import EncoderError, ReadoutError
from poolwise.json_values import unicode


def load(
    name: str | Path, *, max_length: int | None = None, revision: str | None = None
) -> Encoder:
    """Read and check an encoder: a local folder, a Hugging Face hub id, or ``"demo"``.

    ``max_length`` (tokens, special ones included) overrides the folder's own; ``revision`` picks a
    branch, tag or commit on the hub. Raises EncoderError when the encoder cannot be found
    or read, and UnsafeModelError when a file breaks a safety check. No code of the folder runs.
    """
    folder = locate(name, revision)
    try:
        return _read(unicode(display_name(name, folder)), folder, max_length)
    except OSError as error:
        raise EncoderError(f"{folder}: cannot be read: {error}") from error


def _read(name: str, folder: Path, max_length: int | None) -> Encoder:
    modules = read_modules(folder)
    refuse_adapters(modules.encoder)
    if not (modules.encoder / "config.json").is_file():
        raise missing_config(modules.encoder)
    transformer = modules.transformer
    config = read_config(modules.encoder / "config.json")
    weights = read_weights(modules.encoder, config)
    tensors = weights.tensors
    if transformer.config:
        config = read_config(modules.encoder / "config.json", transformer.config)
        tensors = select_tensors(tensors, config, transformer.config, modules.encoder)
    settings = read_settings(modules.encoder, config.family.model_type, transformer.tokenizer)
    tokenizer = read_tokenizer(
        modules.encoder, settings, config.vocab_size, lower_case=transformer.lower_case
    )
    encoder = Encoder(
        name=name,
        folder=folder,
        family=config.family,
        config=config,
        tokenizer=tokenizer,
        tensors=tensors,
        declared=modules.declared,
        max_length=_max_length(max_length, config, settings, tokenizer),
        notes=(
            *config.notes,
            *weights.notes,
            *transformer.notes,
            *_inexpressible_note(modules),
            *tokenizer.notes,
        ),
        dense_stack=modules.dense_stack,
        prompts=modules.prompts,
        similarity=modules.similarity,
        inexpressible=modules.inexpressible,
    )
    _check_declared(encoder)
    return encoder


def _inexpressible_note(modules: Modules) -> tuple[str, ...]:
    names = modules.inexpressible
    return (f"declares {names}, which no readout expresses",) if names else ()


def _check_declared(encoder: Encoder) -> None:
    try:
        if encoder.declared is not None:
            encoder.declared.layer_indices(encoder.depth)
            encoder.width_of(encoder.declared)
    except ReadoutError as error:
        raise EncoderError(
            f"{encoder.folder}: its modules do not fit its encoder: {error}"
        ) from error


def _max_length(
    requested: int | None, config: Config, settings: TokenizerSettings, tokenizer: Tokenizer
) -> int:
    """The requested length, or the folder's own, within the positions of the encoder."""
    length = requested
    if length is None:
        length = min(config.positions, settings.max_length or config.positions)
    shortest = len(tokenizer.frame.before) + len(tokenizer.frame.after) + 1
    try:
        number = None if isinstance(length, bool) else index(length)
    except TypeError:
        number = None
    if number is None:
        raise EncoderError(
            f"max_length is {abridge(length)}, expected a whole number of tokens, {shortest} to "
            f"{config.positions} for this encoder"
        )
    if not shortest <= number <= config.positions:
        raise EncoderError(
            f"max_length is {abridge(length)}, but this encoder reads {shortest} to "
            f"{config.positions} tokens"
        )
    return number
