"""A model's folder that appears under its name when it is complete, or never."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from poolwise.files import whole_folder

_OURS = re.compile(
    r"config(_sentence_transformers)?\.json|model\.safetensors|onnx|model\.onnx(\.data)?|modules\.json"
    r"|(poolwise|sentence_bert_config)\.json|README\.md|[0-9]+_\w+"
    r"|(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|vocab\.txt|merges\.txt|.*\.model"
)
"""Names that a model's folder has, and that one may replace."""


def model_folder(target: Path, *, replace: bool, never: Path) -> AbstractContextManager[Path]:
    """An empty folder to write a model to, which takes the name ``target``: ``whole_folder``."""
    return whole_folder(
        target, replace=replace, foreign=_foreign, kind="an exported model", never=never
    )


def _foreign(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if not _OURS.fullmatch(path.name):
            yield path.name
