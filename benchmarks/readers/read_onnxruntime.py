"""onnxruntime and tokenizers, as an export's card says."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

PACKAGES = ("onnxruntime", "tokenizers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    session = InferenceSession(f"{folder}/onnx/model.onnx")
    encodings = tokenizer.encode_batch(texts)
    inputs = {
        "input_ids": np.array([each.ids for each in encodings]),
        "attention_mask": np.array([each.attention_mask for each in encodings]),
    }
    return session.run(["sentence_embedding"], inputs)[0]
