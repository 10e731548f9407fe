"""Every kind of tokenizer file as one: the contents of a tokenizer.json.

Folders have a tokenizer.json, or WordPiece's vocab.txt, or byte-level BPE's vocab.json and
merges.txt. Where tokenizer_config.json contradicts tokenizer.json, transformers' rules decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from poolwise.encoders.files import MEGABYTE, as_object, read_object, read_text
from poolwise.encoders.tokenizer_settings import BYTE_LEVEL, WORDPIECE, Settings
from poolwise.errors import EncoderError

Spec = dict[str, Any]

MAX_TOKENIZER = 32 * MEGABYTE
SENTENCEPIECE = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model")
_WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def read_spec(folder: Path, settings: Settings) -> Spec:
    """The tokenizer of a folder as the (unchecked) contents of a tokenizer.json."""
    if (folder / "tokenizer.json").exists():
        spec = read_object(folder / "tokenizer.json", MAX_TOKENIZER)
    elif (folder / "vocab.txt").exists() and settings.kind in WORDPIECE:
        spec = _wordpiece(folder / "vocab.txt", settings)
    elif (folder / "vocab.json").exists() and settings.kind in BYTE_LEVEL:
        spec = _byte_level(folder / "vocab.json", folder / "merges.txt", settings)
    elif any((folder / name).exists() for name in SENTENCEPIECE):
        raise EncoderError(
            f"{folder}: has only a SentencePiece model, no tokenizer.json. Write one with "
            f"transformers' AutoTokenizer.from_pretrained(…).save_pretrained(…), or: "
            f"poolwise convert {folder} OUT"
        )
    else:
        raise EncoderError(
            f"{folder}: has no tokenizer; expected tokenizer.json"
            + (" or vocab.txt" if settings.kind in WORDPIECE else "")
            + (" or vocab.json and merges.txt" if settings.kind in BYTE_LEVEL else "")
        )
    _apply(settings, spec, folder)
    return spec


def assumptions(spec: Spec, settings: Settings) -> tuple[str, ...]:
    """What is assumed where the files say nothing, or left aside, for the user to know."""
    notes = []
    silent = "do_lower_case" not in settings.options
    if silent and settings.kind in WORDPIECE and _is(spec.get("normalizer"), "BertNormalizer"):
        notes.append(
            "no do_lower_case in tokenizer_config.json: lowers texts, as transformers does"
        )
    if settings.options.get("auto_map"):
        notes.append("tokenizer_config.json names code of its own (auto_map), left aside")
    return tuple(notes)


def _wordpiece(path: Path, settings: Settings) -> Spec:
    lines = read_text(path, MAX_TOKENIZER).removesuffix("\n").split("\n")
    vocab = {line.rstrip(_WHITESPACE): number for number, line in enumerate(lines)}
    return {
        "normalizer": {"type": "BertNormalizer", "clean_text": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _frame("BertProcessing", settings, vocab, path),
        "model": {
            "type": "WordPiece",
            "unk_token": settings.roles["unk_token"]["content"],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocab,
        },
    }


def _byte_level(vocab_path: Path, merges_path: Path, settings: Settings) -> Spec:
    vocab = read_object(vocab_path, MAX_TOKENIZER)
    lines = read_text(merges_path, MAX_TOKENIZER).split("\n")
    return {
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
        "post_processor": _frame("RobertaProcessing", settings, vocab, vocab_path),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": vocab,
            "merges": [line for line in lines if line and not line.startswith("#version")],
        },
    }


def _frame(kind: str, settings: Settings, vocab: Mapping[str, Any], path: Path) -> Spec:
    """The post-processor that puts a text between its first and last special token."""
    spec: Spec = {"type": kind}
    for role in ("cls", "sep"):
        token = settings.roles[f"{role}_token"]["content"]
        if token not in vocab:
            raise EncoderError(f"{path}: lacks the special token {token} ({role}_token)")
        spec[role] = [token, vocab[token]]
    return spec


def _apply(settings: Settings, spec: Spec, folder: Path) -> None:
    """What tokenizer_config.json changes: casing, the first word's space, added tokens."""
    normalizer, pre_tokenizer = spec.get("normalizer"), spec.get("pre_tokenizer")
    if settings.kind in WORDPIECE and _is(normalizer, "BertNormalizer"):
        normalizer["lowercase"] = settings.flag("do_lower_case", True)
        normalizer["strip_accents"] = settings.flag("strip_accents", None)
        normalizer["handle_chinese_chars"] = settings.flag("tokenize_chinese_chars", True)
    if settings.kind in BYTE_LEVEL and _is(pre_tokenizer, "ByteLevel"):
        pre_tokenizer["add_prefix_space"] = settings.flag("add_prefix_space", False)
    vocab = as_object(spec.get("model"), f"{folder}: the tokenizer's model").get("vocab")
    known = vocab if isinstance(vocab, dict) else {}
    listed = spec.get("added_tokens") or []
    if not isinstance(listed, list):
        raise EncoderError(f"{folder}: the tokenizer's added_tokens are not a list")
    added = [as_object(token, f"{folder}: an added token") for token in listed]
    contents = {str(token.get("content")) for token in added}
    roles = [(known[t["content"]], t) for t in settings.roles.values() if t["content"] in known]
    for number, token in (*roles, *sorted(settings.added.items(), key=lambda item: item[0])):
        if token["content"] not in contents:
            contents.add(token["content"])
            added.append({"id": number, **token})
    spec["added_tokens"] = added


def _is(node: Any, kind: str) -> TypeGuard[Spec]:
    return isinstance(node, dict) and node.get("type") == kind
