"""The contents of tokenizer.json, read from it or built from older files.

Those are WordPiece's vocab.txt, and byte-level BPE's vocab.json and merges.txt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.tokenizer.settings import TokenizerSettings
from poolwise.encoders.untrusted_files import MEGABYTE, read_object, read_text
from poolwise.errors import EncoderError

Spec = dict[str, Any]

MAX_TOKENIZER = 32 * MEGABYTE
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model")
_WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)

# Old files omit the model's type; each type has a key that no other has.
_TYPE_KEYS = {"merges": "BPE", "unk_id": "Unigram", "max_input_chars_per_word": "WordPiece"}


def read_spec(folder: Path, settings: TokenizerSettings) -> Spec:
    """The (unchecked) contents of a folder's tokenizer.json, or the same from its older files."""
    model = settings.builds.model if settings.builds else ""
    if (folder / "tokenizer.json").exists():
        return read_object(folder / "tokenizer.json", MAX_TOKENIZER)
    if (folder / "vocab.txt").exists() and model == "WordPiece":
        return {"model": _wordpiece(folder / "vocab.txt")}
    if (folder / "vocab.json").exists() and model == "BPE":
        return {"model": _byte_level(folder / "vocab.json", folder / "merges.txt")}
    if any((folder / name).exists() for name in SENTENCEPIECE_FILES):
        raise EncoderError(
            f"{folder}: has only a SentencePiece model, no tokenizer.json. Write one with "
            f"transformers' AutoTokenizer.from_pretrained(…).save_pretrained(…), or: "
            f"poolwise convert {folder} OUT"
        )
    raise EncoderError(
        f"{folder}: has no tokenizer; expected tokenizer.json"
        + (" or vocab.txt" if model == "WordPiece" else "")
        + (" or vocab.json and merges.txt" if model == "BPE" else "")
    )


def model_type(model: Mapping[str, Any]) -> Any:
    """The type of a tokenizer.json's model: WordPiece, BPE, Unigram or WordLevel."""
    implied = next((kind for key, kind in _TYPE_KEYS.items() if key in model), None)
    return model.get("type") or implied


def _wordpiece(path: Path) -> Spec:
    lines = read_text(path, MAX_TOKENIZER).removesuffix("\n").split("\n")
    vocab = {line.rstrip(_WHITESPACE): number for number, line in enumerate(lines)}
    return {"type": "WordPiece", "vocab": vocab}


def _byte_level(vocab_path: Path, merges_path: Path) -> Spec:
    vocab = read_object(vocab_path, MAX_TOKENIZER)
    lines = read_text(merges_path, MAX_TOKENIZER).split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    return {"type": "BPE", "vocab": vocab, "merges": merges}
