"""sentence-transformers' Transformer module: options for reading an encoder.

Keys that change vectors are applied, or refused by name where poolwise has no equivalent. Keys that
cannot change vectors are listed and ignored; sentence-transformers itself fails on all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolwise.encoders.untrusted_files import abridge, as_object, read_object
from poolwise.errors import EncoderError

FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""The first that is not empty counts."""

# Names before sentence-transformers 5.2; in a file with both, the old one has precedence.
_OLD_NAMES = {
    "model_args": "model_kwargs",
    "tokenizer_args": "processor_kwargs",
    "config_args": "config_kwargs",
}

_ONLY_VALUES: Mapping[str, tuple[Any, ...]] = {
    "transformer_task": ("feature-extraction",),
    "module_output_name": ("token_embeddings",),
    "tokenizer_name_or_path": (None,),
    "query_length": (None,),
    "document_length": (None,),
    "query_expansion": (None,),
}
"""Keys that are accepted with these values alone."""

_IGNORED = ("unpad_inputs", "cache_dir", "backend")

# sentence-transformers replaces these values by its own.
_DOWNLOADS = (
    "subfolder",
    "token",
    "use_auth_token",
    "cache_dir",
    "revision",
    "code_revision",
    "local_files_only",
    "force_download",
    "proxies",
    "trust_remote_code",
)

# How weights are brought into memory and which of several equal kernels runs.
_MODEL_IGNORED = (
    *_DOWNLOADS,
    "dtype",
    "torch_dtype",
    "attn_implementation",
    "device_map",
    "low_cpu_mem_usage",
    "use_safetensors",
    "weights_only",
    "add_pooling_layer",
)

_TOKENIZER_REFUSED = (
    "tokenizer_type",
    "tokenizer_file",
    "vocab_file",
    "merges_file",
    "gguf_file",
    "add_bos_token",
    "add_eos_token",
)

_CONFIG_REFUSED = ("model_type", "architectures", "name_or_path")

_TRUNCATE = (True, "longest_first", "only_first")

# Any other padding is counted among the tokens of a prompt that is left out of pooling.
_PAD = (True, "longest")

# Outputs beside the ids, and the side of padding, which poolwise does not use.
_CALL_IGNORED = (
    "padding_side",
    "return_tensors",
    "return_attention_mask",
    "return_token_type_ids",
    "return_length",
    "verbose",
    "logits_to_keep",
)

_OTHER_MODALITIES = ("audio", "image", "video", "chat_template")


@dataclass(frozen=True)
class TransformerModule:
    """The folder of an encoder's files, and options for reading them.

    ``config`` and ``tokenizer`` override keys of config.json and tokenizer_config.json; the maximum
    length is the tokenizer's ``model_max_length``. ``lower_case`` lowers every text before the
    tokenizer's own steps.
    """

    folder: Path
    lower_case: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def max_length(self) -> int | None:
        """The maximum length in tokens, where the module states one."""
        length = self.tokenizer.get("model_max_length")
        return length if type(length) is int else None


def read_transformer(folder: Path) -> TransformerModule:
    """The Transformer module in ``folder``; without a file of its own it has no options."""
    for path in (folder / name for name in FILES):
        if path.exists() and (options := read_object(path)):
            return _read_options(folder, options, str(path))
    return TransformerModule(folder)


def _read_options(folder: Path, options: dict[str, Any], place: str) -> TransformerModule:
    options = {_OLD_NAMES.get(key, key): options[key] for key in sorted(options, key=_is_old)}
    known = (*_ONLY_VALUES, *_IGNORED, *_OLD_NAMES.values(), "max_seq_length", "do_lower_case")
    _refuse(set(options) - {*known, "modality_config", "processing_kwargs"}, place)
    for key, accepted in _ONLY_VALUES.items():
        if options.get(key, accepted[0]) not in accepted:
            raise EncoderError(
                f"{place}: {key} is {abridge(options[key])}, which poolwise does not read; "
                f"expected {accepted[0]!r}"
            )
    _check_modalities(options.get("modality_config"), place)
    model, tokenizer, config = (_object(options, key, place) for key in _OLD_NAMES.values())
    _refuse(set(model) - {*_MODEL_IGNORED}, f"{place}: model_kwargs")
    _refuse(set(tokenizer) & {*_TOKENIZER_REFUSED}, f"{place}: processor_kwargs")
    _refuse(set(config) & {*_CONFIG_REFUSED}, f"{place}: config_kwargs")
    if (length := options.get("max_seq_length")) is not None:
        tokenizer.setdefault("model_max_length", _length(length, f"{place}: max_seq_length"))
    tokenizer |= _call_options(_object(options, "processing_kwargs", place), place)
    return TransformerModule(
        folder,
        lower_case=bool(options.get("do_lower_case")),
        config={key: value for key, value in config.items() if key not in _DOWNLOADS},
        tokenizer={key: value for key, value in tokenizer.items() if key not in _DOWNLOADS},
        notes=_precision_note(model),
    )


def _is_old(key: str) -> bool:
    return key in _OLD_NAMES


def _refuse(keys: Iterable[str], place: str) -> None:
    if names := sorted(keys):
        raise EncoderError(
            f"{place}: {abridge(names[0])} is set, which poolwise does not read. Remove it if it "
            "changes no vector"
        )


def _object(options: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
    return dict(as_object(options.get(key) or {}, f"{place}: {key}"))


def _length(value: Any, place: str) -> int:
    if type(value) is not int or value < 1:
        raise EncoderError(f"{place} is {abridge(value)}, expected a whole number")
    return value


def _check_modalities(config: Any, place: str) -> None:
    """Raise EncoderError unless texts go through ``forward`` to the last hidden state."""
    if config is None:
        return
    place = f"{place}: modality_config"
    modalities = as_object(config, place)
    text = as_object(modalities.get("text"), f"{place}: text")
    if "message" in modalities or text.get("method") != "forward":
        raise EncoderError(f"{place}: texts go through more than the encoder's forward pass")
    output = text.get("method_output_name")
    if output not in ("last_hidden_state", ["last_hidden_state"]):
        raise EncoderError(
            f"{place}: reads {abridge(output)}, which poolwise does not; expected "
            "'last_hidden_state'"
        )


def _call_options(processing: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Arguments of the tokenizer's call, as options of the tokenizer itself."""
    place = f"{place}: processing_kwargs"
    _refuse(set(processing) - {"text", "common", *_OTHER_MODALITIES}, place)
    arguments = _object(processing, "text", place) | _object(processing, "common", place)
    options: dict[str, Any] = {}
    for key, value in arguments.items():
        match key:
            case "max_length" if value is not None:
                options["model_max_length"] = _length(value, f"{place}: max_length")
            case "split_special_tokens" if value is not None:
                options[key] = value
            case "truncation" if value not in _TRUNCATE:
                raise EncoderError(f"{place}: truncation is {abridge(value)}; poolwise cuts texts")
            case "padding" if value not in _PAD:
                raise EncoderError(f"{place}: padding is {abridge(value)}; poolwise has none")
            case "truncation" | "max_length" | "split_special_tokens" | "padding":
                pass
            case _:
                _refuse({key} - {*_CALL_IGNORED}, place)
    return options


def _precision_note(model: Mapping[str, Any]) -> tuple[str, ...]:
    dtype = model.get("dtype", model.get("torch_dtype"))
    if dtype in (None, "auto", "float32"):
        return ()
    return (f"is to be computed in {abridge(dtype)}; poolwise computes in float32",)
