"""An ONNX folder: its names, and the files that loaders read beside the graph.

sentence-transformers, optimum, transformers.js and text-embeddings-inference look for the graph in
``onnx/`` and for all else in the folder itself; fastembed is told where it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poolwise.encoders import Encoder
from poolwise.encoders.modules.transformer_module import TransformerModule
from poolwise.encoders.saving import length_sections, transformers_config_values, write_json
from poolwise.encoders.tokenizer.added_tokens import SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG
from poolwise.encoders.tokenizer.settings import read_settings

GRAPH = "onnx/model.onnx"
QUANTIZED_GRAPH = "onnx/model_quantized.onnx"
"""The same in int8, under the name that transformers.js reads for ``dtype: "q8"``."""

TOKENIZER = "tokenizer.json"

TOKEN_VECTORS = "last_hidden_state"
"""The output of which Pooling makes the readout, float32 [n, t, width]. Where Pooling makes another
there is no such output, so that loaders that pool stop instead of reading other vectors."""

VECTORS = "sentence_embedding"
"""The output that is the readout, float32 [n, width]."""

INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask"}
"""The graph's inputs, int64 [n, t], and what the tokenizers library calls them."""


def write_config(
    encoder: Encoder, folder: Path, source: TransformerModule, external: Sequence[str]
) -> None:
    """Write config.json; ``external`` names graphs whose weights are in a file beside them.

    Raises MissingExtraError.
    """
    config = transformers_config_values(encoder, source.folder)
    if external:
        names = [Path(name).name for name in external]
        config["transformers.js_config"] = {"use_external_data_format": dict.fromkeys(names, True)}
    write_json(folder / "config.json", config)


def write_framing_tokenizer(encoder: Encoder, folder: Path, source: TransformerModule) -> None:
    """Write tokenizer.json: ``Tokenizer.from_file(…).encode_batch(texts)`` gives padded ids.

    It lowers, cuts at ``encoder.max_length`` and adds special tokens as poolwise does. What lies
    beside it makes every version of transformers, and transformers.js, read it as it is.
    """
    spec = json.loads(encoder.tokenizer.spec)
    spec = {**spec, "post_processor": _template(encoder), **length_sections(encoder)}
    text = json.dumps(spec, ensure_ascii=False)
    (folder / TOKENIZER).write_text(text, encoding="utf-8")
    settings = read_settings(source.folder, encoder.config.family.model_type, source.tokenizer)
    roles = {
        role: token
        for role, token in settings.roles.items()
        if token["content"] in encoder.tokenizer.special
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": encoder.max_length,
        "model_input_names": list(INPUTS),
        "padding_side": "right",
        "truncation_side": encoder.tokenizer.truncation_side,
        "split_special_tokens": settings.splits_special,
        **{role: token["content"] for role, token in roles.items()},
    }
    write_json(folder / TOKENIZER_CONFIG, config)
    # With their flags: loaders that add them anew would forget that <mask> takes a space.
    write_json(folder / SPECIAL_TOKENS_MAP, {} if settings.splits_special else roles)


def _template(encoder: Encoder) -> dict[str, Any]:
    frame, token = encoder.tokenizer.frame, encoder.tokenizer.token

    def special(numbers: Sequence[int]) -> list[dict[str, Any]]:
        return [{"SpecialToken": {"id": token(i), "type_id": 0}} for i in numbers]

    before, after = special(frame.before), special(frame.after)
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    tokens = {token(i): i for i in (*frame.before, *frame.after)}
    return {
        "type": "TemplateProcessing",
        "single": [*before, first, *after],
        "pair": [*before, first, *after, second, *after],
        "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in tokens.items()},
    }
