"""The tokenizer of a folder: its files read, checked and given to the tokenizers library."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tokenizers

from poolwise.encoders.tokenizer.build import TokenizerBuild
from poolwise.encoders.tokenizer.checks import check_spec, max_growth
from poolwise.encoders.tokenizer.frame import Frame, read_frame, read_trimming
from poolwise.encoders.tokenizer.library_errors import library_errors_as
from poolwise.encoders.tokenizer.limits import Limits, may_be_slow
from poolwise.encoders.tokenizer.settings import TokenizerSettings, stored_side
from poolwise.encoders.tokenizer.spec import Spec, read_spec
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.encoders.untrusted_files import abridge
from poolwise.errors import EncoderError, UnsafeModelError


def read_tokenizer(
    folder: Path, settings: TokenizerSettings, vocab_size: int, *, lower_case: bool = False
) -> Tokenizer:
    """The tokenizer of a folder, whose ids must be below ``vocab_size``.

    ``lower_case`` lowers every text first, as sentence-transformers' ``do_lower_case`` does.
    """
    place = f"{folder}: the tokenizer"
    stored = read_spec(folder, settings)
    # The contents of tokenizer.json are checked even where its class does not read them.
    post_processor = stored.get("post_processor")
    known = {**check_spec(stored, place), "post_processor": post_processor}
    build = TokenizerBuild(known, settings, vocab_size, place)
    built = build.spec()
    frame = read_frame(built.get("post_processor"), place)
    spec = check_spec(built, place)
    if lower_case:
        spec["normalizer"] = _lowercase_first(spec["normalizer"])
    text = _to_json(spec, place)
    with library_errors_as(EncoderError, f"{place}: not accepted by the tokenizers library"):
        backend = tokenizers.Tokenizer.from_str(text)
    _check_ids(backend, spec, frame, vocab_size, place)
    return Tokenizer(
        backend=backend,
        frame=frame,
        special=MappingProxyType(build.special),
        vocab_size=vocab_size,
        spec=text,
        limits=Limits(may_be_slow(spec), max_growth(spec, place)),
        declared_special_ids=build.declared_special_ids,
        unk_token_id=_unk_token_id(backend, spec["model"], place),
        truncation_side=settings.truncation_side or stored_side(stored, place),
        trimming=read_trimming(post_processor),
        notes=(*build.notes, *settings.notes),
    )


def _lowercase_first(normalizer: Any) -> Spec:
    """``normalizer`` after a Lowercase step, unless it has that step already."""
    steps = normalizer.get("normalizers") if isinstance(normalizer, dict) else None
    listed = steps if isinstance(steps, list) else [normalizer] if normalizer else []
    if {"type": "Lowercase"} not in listed:
        listed = [{"type": "Lowercase"}, *listed]
    return {"type": "Sequence", "normalizers": listed}


def _unk_token_id(backend: tokenizers.Tokenizer, model: Spec, place: str) -> int | None:
    """The id of the unknown token, None without one."""
    if model["type"] == "Unigram":
        number = model.get("unk_id")
        return number if type(number) is int else None
    token = model.get("unk_token")
    if not isinstance(token, str):
        return None
    if model["type"] != "BPE" and token not in model["vocab"]:
        raise EncoderError(
            f"{place}: unk_token {abridge(token)} is not in the vocabulary, so that no text with "
            "an unknown word can be read"
        )
    number = backend.token_to_id(token)
    return None if number is None else int(number)


def _to_json(spec: Spec, place: str) -> str:
    try:
        return json.dumps(spec)
    except RecursionError as error:
        raise UnsafeModelError(f"{place}: nested too deeply") from error


def _check_ids(
    backend: tokenizers.Tokenizer, spec: Spec, frame: Frame, vocab_size: int, place: str
) -> None:
    for token in spec["added_tokens"]:
        if backend.token_to_id(token["content"]) != token.get("id"):
            raise EncoderError(
                f"{place}: the added token {abridge(token['content'])} says that its id is "
                f"{abridge(token.get('id'))}, but it is {backend.token_to_id(token['content'])}"
            )
    vocab = spec["model"]["vocab"]
    last = max(vocab.values(), default=0) if isinstance(vocab, dict) else len(vocab) - 1
    added = (token["id"] for token in spec["added_tokens"])
    highest = max((last, *added, *frame.before, *frame.after))
    if highest >= vocab_size:
        raise EncoderError(
            f"{place}: has ids up to {highest}, but the word embeddings have only {vocab_size} rows"
        )
