"""An ONNX folder: its names, and a tokenizer that frames, cuts and pads as the graph expects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poolwise.encoders import Encoder
from poolwise.readouts import Readout

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"

OUTPUT = "sentence_embedding"
"""The graph's output, float32 [n, width]."""

ARRAYS = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "special_tokens_mask": "special_tokens_mask",
}
"""The graph's inputs, int64 [n, t], and what the tokenizers library calls them."""


def inputs(readout: Readout) -> tuple[str, ...]:
    """The names of the graph's inputs; only pools of words ask which tokens are special."""
    ids, mask, special = ARRAYS
    return (ids, mask, special) if readout.pool.words_only else (ids, mask)


def write_framing_tokenizer(encoder: Encoder, folder: Path) -> None:
    """Write tokenizer.json: ``Tokenizer.from_file(…).encode_batch(texts)`` gives padded ids.

    It lowers, cuts at ``encoder.max_length`` and adds special tokens as poolwise does.
    """
    tokenizer = encoder.tokenizer
    spec = json.loads(tokenizer.spec)
    pad = encoder.config.pad_token_id or 0
    spec["post_processor"] = _template(encoder)
    spec["truncation"] = {
        "direction": tokenizer.truncation_side.capitalize(),
        "max_length": encoder.max_length,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    spec["padding"] = {
        "strategy": "BatchLongest",
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": pad,
        "pad_type_id": 0,
        "pad_token": tokenizer.token(pad),
    }
    text = json.dumps(spec, ensure_ascii=False)
    (folder / TOKENIZER).write_text(text, encoding="utf-8")


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
