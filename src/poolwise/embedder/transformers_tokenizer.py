"""transformers' tokenizer of a model, with the ids that poolwise reads."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from poolwise.encoders.modules.modules import read_modules
from poolwise.errors import needs
from poolwise.exports.onnx_files import write_framing_tokenizer
from poolwise.model import Model


def transformers_tokenizer(model: Model) -> Any:
    """A ``PreTrainedTokenizerFast``, made of checked files; the same one at every call.

    Raises MissingExtraError.
    """
    if "transformers_tokenizer" not in model.shared:
        with needs("torch", "transformers' tokenizer"):
            from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 - takes seconds

        source = read_modules(model.folder).transformer
        with TemporaryDirectory() as folder:
            write_framing_tokenizer(model, Path(folder), source)
            made = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        made.backend_tokenizer.no_padding()
        made.backend_tokenizer.no_truncation()
        model.shared["transformers_tokenizer"] = made
    return model.shared["transformers_tokenizer"]
