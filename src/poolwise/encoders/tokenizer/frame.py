"""The special tokens that a tokenizer adds around a text: [CLS] … [SEP]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tokenizers import processors

from poolwise.encoders.untrusted_files import abridge, as_object
from poolwise.errors import EncoderError

MAX_FRAME = 16


class Frame(NamedTuple):
    """The ids before and after every text."""

    before: tuple[int, ...]
    after: tuple[int, ...]


class Trimming(NamedTuple):
    """Spaces do not count as part of a token, as the post-processors ``ByteLevel`` and
    ``RobertaProcessing`` have it; ``prefix_space`` says that one is put in front of every text."""

    prefix_space: bool

    def processor(self) -> processors.ByteLevel:
        """What trims the places of an encoding's tokens."""
        return processors.ByteLevel(trim_offsets=True, add_prefix_space=self.prefix_space)


def read_trimming(post_processor: Any) -> Trimming | None:
    """Whether a tokenizer.json's post-processor trims the places of tokens; one that is none does
    not."""
    steps = post_processor.get("processors") if isinstance(post_processor, dict) else None
    for step in steps if isinstance(steps, list) else [post_processor]:
        kind = step.get("type") if isinstance(step, dict) else None
        if kind in ("ByteLevel", "RobertaProcessing") and step.get("trim_offsets", True):
            return Trimming(bool(step.get("add_prefix_space", True)))
    return None


def read_frame(post_processor: Any, place: str) -> Frame:
    """The frame of a tokenizer.json's post-processor for single texts. Raises EncoderError."""
    place = f"{place}: post_processor"
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    for step in _steps(post_processor, place):
        first, last = _ends(step, place)
        before, after = (*first, *before), (*after, *last)
    ids = (*before, *after)
    if not ids:
        raise EncoderError(f"{place}: adds no special tokens; expected [CLS] … [SEP] or the like")
    if len(ids) > MAX_FRAME or not all(type(i) is int and i >= 0 for i in ids):
        raise EncoderError(f"{place}: adds special tokens with unusable ids")
    return Frame(before, after)


def _steps(node: Any, place: str) -> list[Mapping[str, Any]]:
    if node is None:
        return []
    step = as_object(node, place)
    if step.get("type") != "Sequence":
        return [step]
    processors = step.get("processors")
    if not isinstance(processors, list) or len(processors) > MAX_FRAME:
        raise EncoderError(f"{place}: a Sequence without a list of processors")
    return [as_object(child, place) for child in processors]


def _ends(step: Mapping[str, Any], place: str) -> tuple[list[Any], list[Any]]:
    match step.get("type"):
        case "ByteLevel":
            return [], []
        case "BertProcessing" | "RobertaProcessing":
            return [_id(step.get("cls"), place)], [_id(step.get("sep"), place)]
        case "TemplateProcessing":
            return _template(step, place)
        case kind:
            raise EncoderError(f"{place}: {abridge(kind)} is not among the known processors")


def _id(pair: Any, place: str) -> Any:
    if not isinstance(pair, list) or len(pair) != 2:
        raise EncoderError(f"{place}: expected a token and its id, found {abridge(pair)}")
    return pair[1]


def _template(step: Mapping[str, Any], place: str) -> tuple[list[Any], list[Any]]:
    known = as_object(step.get("special_tokens"), f"{place}: special_tokens")
    single = step.get("single")
    if not isinstance(single, list) or len(single) > MAX_FRAME:
        raise EncoderError(f"{place}: the template for single texts is no list")
    ends: tuple[list[Any], list[Any]] = ([], [])
    texts = 0
    for piece in single:
        match piece:
            case {"Sequence": _}:
                texts += 1
            case {"SpecialToken": {"id": str(name)}}:
                ids = as_object(known.get(name), f"{place}: {abridge(name)}").get("ids")
                ends[min(texts, 1)].extend(ids if isinstance(ids, list) else [ids])
            case _:
                raise EncoderError(f"{place}: {abridge(piece)} is not a piece of a template")
    if texts != 1:
        raise EncoderError(f"{place}: the template reads its text {texts} times, expected once")
    return ends
