"""The special tokens that a tokenizer puts around a text: [CLS] … [SEP]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from poolwise.encoders.untrusted_files import as_object, describe
from poolwise.errors import EncoderError

MAX_FRAME = 16


class Frame(NamedTuple):
    """Ids that stand before and after every text."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def read_frame(post_processor: Any, where: str) -> Frame:
    """The frame that a tokenizer.json's post-processor makes around a single text."""
    where = f"{where}: post_processor"
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    for step in _steps(post_processor, where):
        first, last = _ends(step, where)
        before, after = (*first, *before), (*after, *last)
    ids = (*before, *after)
    if not ids:
        raise EncoderError(f"{where}: adds no special tokens; expected [CLS] … [SEP] or the like")
    if len(ids) > MAX_FRAME or not all(type(i) is int and i >= 0 for i in ids):
        raise EncoderError(f"{where}: adds special tokens with unusable ids")
    return Frame(before, after)


def _steps(node: Any, where: str) -> list[Mapping[str, Any]]:
    if node is None:
        return []
    step = as_object(node, where)
    if step.get("type") != "Sequence":
        return [step]
    processors = step.get("processors")
    if not isinstance(processors, list) or len(processors) > MAX_FRAME:
        raise EncoderError(f"{where}: a Sequence without a list of processors")
    return [as_object(child, where) for child in processors]


def _ends(step: Mapping[str, Any], where: str) -> tuple[list[Any], list[Any]]:
    match step.get("type"):
        case "ByteLevel":
            return [], []
        case "BertProcessing" | "RobertaProcessing":
            return [_id(step.get("cls"), where)], [_id(step.get("sep"), where)]
        case "TemplateProcessing":
            return _template(step, where)
        case kind:
            raise EncoderError(f"{where}: {describe(kind)} is not among the known processors")


def _id(pair: Any, where: str) -> Any:
    if not isinstance(pair, list) or len(pair) != 2:
        raise EncoderError(f"{where}: expected a token and its id, found {describe(pair)}")
    return pair[1]


def _template(step: Mapping[str, Any], where: str) -> tuple[list[Any], list[Any]]:
    known = as_object(step.get("special_tokens"), f"{where}: special_tokens")
    single = step.get("single")
    if not isinstance(single, list) or len(single) > MAX_FRAME:
        raise EncoderError(f"{where}: the template for single texts is no list")
    parts: tuple[list[Any], list[Any]] = ([], [])
    texts = 0
    for piece in single:
        match piece:
            case {"Sequence": _}:
                texts += 1
            case {"SpecialToken": {"id": str(name)}}:
                ids = as_object(known.get(name), f"{where}: {describe(name)}").get("ids")
                parts[min(texts, 1)].extend(ids if isinstance(ids, list) else [ids])
            case _:
                raise EncoderError(f"{where}: {describe(piece)} is not a piece of a template")
    if texts != 1:
        raise EncoderError(f"{where}: the template reads its text {texts} times, expected once")
    return parts
