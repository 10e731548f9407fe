"""Writes a fine-tuned classifier to a folder: a transformers encoder with its head.

config.json, tokenizer      the encoder's, cut to what is read, and the labels
model.safetensors           its tensors with the family's prefix, classifier.weight [k, width],
                            classifier.bias [k] and, of learned attention, classifier.query [d]
sentence_bert_config.json   the maximum length it was tuned with, where poolwise.load reads it
poolwise.json               the readout of the linear layer, its outputs, its provenance
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.classifier.checkpoint_reader import CLASSIFIERS, FORMAT, PROBLEM_TYPES
from poolwise.classifier.output_space import OutputSpace
from poolwise.encoders import Encoder
from poolwise.encoders.modules.modules import POOLWISE_JSON, Modules, read_modules
from poolwise.encoders.saving import (
    transformers_config_values,
    write_json,
    write_prompts,
    write_tensors,
    write_tokenizer,
)
from poolwise.errors import EncoderError
from poolwise.exports.folder import model_folder
from poolwise.files import os_errors_as
from poolwise.model import Model
from poolwise.records import Floats
from poolwise.tuning.classifier_module import ReadoutClassifier


def write_checkpoint(
    module: ReadoutClassifier,
    model: Model,
    folder: Path,
    *,
    provenance: Mapping[str, Any],
    replace: bool = False,
) -> None:
    """Write ``module``, which was tuned from ``model``; the folder appears whole or not at all.

    ``replace``: a model's folder may be overwritten, but never that of ``model``. Raises StoreError
    where the folder cannot be written, EncoderError for a model with rearranged tokens.
    """
    if model.arrangement is not None:
        raise EncoderError(f"{model.name}: no folder can hold tokens in another order")
    source = read_modules(model.folder)
    tuned = module.tuned_encoder()
    with (
        model_folder(folder, replace=replace, never=model.folder) as partial,
        os_errors_as(folder),
    ):
        write_json(partial / "config.json", _config(module, tuned, source))
        write_tensors(partial, _tensors(module, tuned))
        write_tokenizer(partial, model, source.transformer)
        length = {
            "max_seq_length": model.max_length,
            "do_lower_case": source.transformer.lower_case,
        }
        write_json(partial / "sentence_bert_config.json", length)
        write_prompts(model, partial)
        write_json(partial / POOLWISE_JSON, _description(module, model, provenance))


def _config(module: ReadoutClassifier, tuned: Encoder, source: Modules) -> dict[str, Any]:
    values = transformers_config_values(tuned, source.encoder)
    if module.pooling is None and tuned.family.model_type in CLASSIFIERS:
        values["architectures"] = [CLASSIFIERS[tuned.family.model_type]]
    names = _output_names(module.output_space)
    return {
        **values,
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
        "problem_type": PROBLEM_TYPES[module.output_space.kind],
    }


def _output_names(output_space: OutputSpace) -> tuple[str, ...]:
    """transformers counts the labels for the number of outputs, so a regression has one, too."""
    return output_space.labels or ("LABEL_0",)


def _tensors(module: ReadoutClassifier, tuned: Encoder) -> dict[str, Floats]:
    tensors = {f"{tuned.family.prefix}{name}": tensor for name, tensor in tuned.tensors.items()}
    head = {"weight": module.classifier.weight, "bias": module.classifier.bias}
    if module.pooling is not None and module.pooling.query is not None:
        head["query"] = module.pooling.query
    for name, parameter in head.items():
        tensors[f"classifier.{name}"] = np.asarray(parameter.detach().cpu().numpy(), np.float32)
    return tensors


def _description(
    module: ReadoutClassifier, model: Model, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": module.output_space.kind,
        "readout": str(module.learned_readout()),
        "asked": str(module.trainable),
        "attention": module.trainable.learns == "attention",
        "labels": list(module.output_space.labels),
        **({} if model.prompts.pooled else {"prompt_pooled": False}),
        "made": dict(provenance),
    }
