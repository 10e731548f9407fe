"""An encoder as transformers reads it: config.json, model.safetensors, the tokenizer's files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from poolwise.encoders.encoder import Encoder
from poolwise.encoders.modules.prompts import PROMPTS_CONFIG
from poolwise.encoders.modules.transformer_module import TransformerModule
from poolwise.encoders.tokenizer.added_tokens import SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG
from poolwise.encoders.tokenizer.settings import MAX_TOKENIZER_CONFIG
from poolwise.encoders.tokenizer.spec import MAX_TOKENIZER, SENTENCEPIECE_FILES
from poolwise.encoders.untrusted_files import read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.errors import needs
from poolwise.files.tensor_errors import tensor_os_errors
from poolwise.records import Floats

_TOKENIZER_FILES = (
    "tokenizer.json",
    TOKENIZER_CONFIG,
    SPECIAL_TOKENS_MAP,
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    *SENTENCEPIECE_FILES,
)

SENTENCE_TRANSFORMERS_VERSION = "3.0.0"
"""The first version of sentence-transformers that knows all keys that are written. Every version
warns of folders from a later one."""

# Keys that only training reads, and so are not among the checked values.
_TRAINING_KEYS = (
    "initializer_range",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
    "classifier_dropout",
    "dropout",
    "attention_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "seq_classif_dropout",
    "qa_dropout",
)

_HEAD_KEYS = ("id2label", "label2id", "_name_or_path")


def write_encoder(
    encoder: Encoder, folder: Path, source: TransformerModule, *, hidden_states: bool
) -> None:
    """Write ``encoder`` into ``folder``; ``source`` is the module that it was read from.

    ``hidden_states`` makes transformers return all of them. An encoder without a pooler gets one of
    zeros: transformers would make up a random one, and the option that forbids it
    (``add_pooling_layer``) is refused by the loaders of ONNX and OpenVINO. Raises
    MissingExtraError.
    """
    config = transformers_config_values(encoder, source.folder)
    if hidden_states:
        config["output_hidden_states"] = True
    write_json(folder / "config.json", config)
    write_tensors(folder, {**_zero_pooler(encoder), **encoder.tensors})
    write_tokenizer(folder, encoder, source)


def write_tokenizer(folder: Path, encoder: Encoder, source: TransformerModule) -> None:
    """Copy the tokenizer's files from ``source``, and write how poolwise reads them.

    The module's own options for the tokenizer go into tokenizer_config.json, which needs no module
    to be read, and the maximum length into tokenizer.json as well, which some loaders read alone.
    Padding is on the right: on the left it would shift the positions of all short texts, and their
    vectors would depend on the other texts of a batch.
    """
    for name in _TOKENIZER_FILES:
        if (source.folder / name).is_file():
            shutil.copyfile(source.folder / name, folder / name)
    options = {
        **source.tokenizer,
        "model_max_length": encoder.max_length,
        "padding_side": "right",
        "truncation_side": encoder.tokenizer.truncation_side,
    }
    write_json(folder / TOKENIZER_CONFIG, {**_read(folder / TOKENIZER_CONFIG), **options})
    # The older file would override the newer one.
    if special := _read(folder / SPECIAL_TOKENS_MAP):
        remaining = {key: special[key] for key in special if key not in options}
        write_json(folder / SPECIAL_TOKENS_MAP, remaining)
    spec = folder / "tokenizer.json"
    if spec.exists():
        content = {**read_object(spec, MAX_TOKENIZER), **length_sections(encoder)}
        spec.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def length_sections(encoder: Encoder) -> dict[str, Any]:
    """The sections of tokenizer.json that cut texts and pad batches, as poolwise does."""
    pad = encoder.config.pad_token_id or 0
    return {
        "truncation": {
            "direction": encoder.tokenizer.truncation_side.capitalize(),
            "max_length": encoder.max_length,
            "strategy": "LongestFirst",
            "stride": 0,
        },
        "padding": {
            "strategy": "BatchLongest",
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": pad,
            "pad_type_id": 0,
            "pad_token": encoder.tokenizer.token(pad),
        },
    }


def _read(path: Path) -> dict[str, Any]:
    return read_object(path, MAX_TOKENIZER_CONFIG) if path.exists() else {}


def write_prompts(encoder: Encoder, folder: Path) -> None:
    """Write the prompts, with the encoder's own prompt as their default, and the similarity."""
    prompts = encoder.prompts.with_default(encoder.prompt)
    content = {
        "__version__": {"sentence_transformers": SENTENCE_TRANSFORMERS_VERSION},
        "prompts": dict(prompts.texts),
        "default_prompt_name": prompts.default,
        "similarity_fn_name": encoder.similarity,
    }
    write_json(folder / PROMPTS_CONFIG, content)


def _zero_pooler(encoder: Encoder) -> dict[str, Floats]:
    """The tensors of the family's pooler, all zero; none where it has no pooler."""
    shapes = encoder.family.shapes(encoder.config.values, pooler=bool(encoder.family.pooler))
    return {
        name: np.zeros(shape, np.float32)
        for name, shape in shapes.items()
        if encoder.family.pooler and name.startswith(f"{encoder.family.pooler}.")
    }


def write_tensors(folder: Path, tensors: Mapping[str, Floats]) -> None:
    """Write model.safetensors beside the config.json in ``folder``, with its permissions."""
    with tensor_os_errors(folder / WEIGHTS):
        save_file(dict(tensors), folder / WEIGHTS, metadata={"format": "pt"})
    shutil.copymode(folder / "config.json", folder / WEIGHTS)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON, indented, in UTF-8."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def transformers_config_values(encoder: Encoder, source: Path) -> dict[str, Any]:
    """Every key that transformers knows of the family: not all readers have its defaults."""
    values = transformers_config(encoder, source).to_dict()
    checked = encoder.config.for_transformers()
    known = {key: value for key, value in values.items() if key not in _HEAD_KEYS}
    return {key: value for key, value in known.items() if value is not None or key in checked}


def transformers_config(encoder: Encoder, source: Path) -> Any:
    """transformers' config of ``encoder``, with the keys that only training reads.

    Those come from config.json in the folder ``source``, or else are transformers' defaults. Raises
    MissingExtraError.
    """
    with needs("export", "writing a model's folder"):
        from transformers import AutoConfig  # noqa: PLC0415 - takes seconds
        from transformers.models.auto.modeling_auto import (  # noqa: PLC0415
            MODEL_MAPPING_NAMES,
        )

    values = encoder.config.for_transformers()
    vocabulary = range(encoder.config.vocab_size)
    for key, value in read_object(source / "config.json").items():
        if key in _TRAINING_KEYS and type(value) in (int, float) and 0 <= value <= 1:
            values[key] = value
        if key in values and key.endswith("_token_id") and type(value) is int:
            values[key] = value if value in vocabulary else None
    config = AutoConfig.for_model(**values)
    config.architectures = [str(MODEL_MAPPING_NAMES[values["model_type"]])]
    config.dtype = "float32"
    return config
