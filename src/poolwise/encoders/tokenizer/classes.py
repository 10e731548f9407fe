"""transformers' tokenizer classes: the steps that each builds from its options, as plain data.

Of tokenizer.json, a class that builds its own steps reads the vocabulary alone: so transformers 5
reads a folder, whatever steps tokenizer.json lists. All other classes read the whole file as is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from poolwise.encoders.untrusted_files import abridge
from poolwise.errors import EncoderError

Node = dict[str, Any]
"""A step in the format of tokenizer.json."""

Options = Mapping[str, Any]
"""The contents of tokenizer_config.json."""

_BERT = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_BERT_ENDS = {"bos_token": "[CLS]", "eos_token": "[SEP]"}
_MASK_WITH_SPACE = {"content": "<mask>", "lstrip": True}


@dataclass(frozen=True)
class TokenizerClass:
    """One class, without "Fast" in its name.

    ``model`` is the kind of vocabulary; ``roles`` and ``extra`` are the default special tokens,
    ``frame`` the roles of the first and the last token of a text. ``normalizer`` and
    ``pre_tokenizer`` build those steps from the options, the former also from SentencePiece's map
    of characters, if tokenizer.json has one. ``unk_id`` is the id of a Unigram's unknown token: a
    number, or a function of vocabulary, token and options. ``keeps_frame`` tells that the
    post-processor of tokenizer.json is used, if it has one.
    """

    model: str
    roles: Mapping[str, Any]
    normalizer: Callable[[Options, Node | None], Node | None]
    pre_tokenizer: Callable[[Options], Node]
    frame: tuple[str, str] = ("cls_token", "sep_token")
    extra: tuple[str, ...] = ()
    unk_id: int | Callable[[list[Any], str, Options], int] = 0
    keeps_frame: bool = False


def flag(options: Options, key: str, default: bool | None) -> bool | None:
    """A boolean option; ``default`` where it is absent or null. Raises EncoderError."""
    value = options.get(key)
    if value is None:
        return default
    if type(value) is not bool:
        raise EncoderError(
            f"tokenizer_config.json: {key} is {abridge(value)}, expected true or false"
        )
    return value


def _truthy(options: Options, key: str, default: bool) -> bool:
    """An option that transformers tests for truth, so that 1 and "true" count."""
    return bool(options.get(key, default))


def _bert_normalizer(options: Options, _charsmap: Node | None) -> Node:
    return {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": flag(options, "tokenize_chinese_chars", True),
        "strip_accents": flag(options, "strip_accents", None),
        "lowercase": flag(options, "do_lower_case", True),
    }


def _albert_normalizer(options: Options, charsmap: Node | None) -> Node:
    quotes = [_replace({"String": quote}, '"') for quote in ("``", "''")]
    accents = [] if _truthy(options, "keep_accents", False) else ["NFKD", "StripAccents"]
    case = ["Lowercase"] if _truthy(options, "do_lower_case", True) else []
    steps = [*quotes, *({"type": kind} for kind in (*accents, *case))]
    return _sequence("normalizers", [*steps, *([charsmap] if charsmap else [])])


def _deberta_normalizer(options: Options, _charsmap: Node | None) -> Node:
    case: list[Node] = [{"type": "Lowercase"}] if _truthy(options, "do_lower_case", False) else []
    blanks = _replace({"Regex": r"\s{2,}|[\n\r\t]"}, " ")
    strip = {"type": "Strip", "strip_left": False, "strip_right": True}
    return _sequence("normalizers", [*case, blanks, {"type": "NFC"}, strip])


def _charsmap_alone(_options: Options, charsmap: Node | None) -> Node | None:
    return charsmap


def _no_normalizer(_options: Options, _charsmap: Node | None) -> None:
    return None


def _bert_pre_tokenizer(_options: Options) -> Node:
    return {"type": "BertPreTokenizer"}


def _byte_level(options: Options) -> Node:
    space = flag(options, "add_prefix_space", False)
    return {"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": True, "use_regex": True}


def _whitespace_metaspace(options: Options) -> Node:
    return _sequence("pretokenizers", [{"type": "WhitespaceSplit"}, _metaspace(options, "never")])


def _deberta_metaspace(options: Options) -> Node:
    punctuation: list[Node] = [{"type": "Punctuation", "behavior": "Isolated"}]
    split = punctuation if _truthy(options, "split_by_punct", False) else []
    return _sequence("pretokenizers", [*split, _metaspace(options, "first")])


def _metaspace(options: Options, otherwise: str) -> Node:
    scheme = "always" if _truthy(options, "add_prefix_space", True) else otherwise
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}


def _replace(pattern: Node, content: str) -> Node:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _sequence(children: str, steps: list[Node]) -> Node:
    return {"type": "Sequence", children: steps}


def _index_of(vocab: list[Any], token: str, _options: Options) -> int:
    return next((n for n, piece in enumerate(vocab) if piece[:1] == [token]), 0)


def _index_of_unscored(vocab: list[Any], token: str, options: Options) -> int:
    default = options.get("unk_id", 1)
    return vocab.index([token, 0.0]) if [token, 0.0] in vocab else int(default)


_BERT_CLASS = TokenizerClass("WordPiece", _BERT, _bert_normalizer, _bert_pre_tokenizer)
_XLM_ROBERTA = TokenizerClass(
    "Unigram",
    _ROBERTA,
    _charsmap_alone,
    _whitespace_metaspace,
    frame=("bos_token", "eos_token"),
    unk_id=3,
)

CLASSES: Mapping[str, TokenizerClass] = {
    **dict.fromkeys(
        (
            "BertTokenizer",
            "DistilBertTokenizer",
            "ElectraTokenizer",
            "LayoutLMTokenizer",
            "MobileBertTokenizer",
            "SqueezeBertTokenizer",
        ),
        _BERT_CLASS,
    ),
    "MPNetTokenizer": replace(
        _BERT_CLASS, roles={**_ROBERTA, "unk_token": "[UNK]", "mask_token": _MASK_WITH_SPACE}
    ),
    "RobertaTokenizer": TokenizerClass("BPE", _ROBERTA, _no_normalizer, _byte_level),
    "XLMRobertaTokenizer": _XLM_ROBERTA,
    "CamembertTokenizer": replace(
        _XLM_ROBERTA,
        roles={**_ROBERTA, "mask_token": _MASK_WITH_SPACE},
        extra=("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"),
        unk_id=_index_of,
    ),
    "AlbertTokenizer": TokenizerClass(
        "Unigram",
        {**_BERT, **_BERT_ENDS, "unk_token": "<unk>", "pad_token": "<pad>"},
        _albert_normalizer,
        _whitespace_metaspace,
        unk_id=1,
        keeps_frame=True,
    ),
    "DebertaV2Tokenizer": TokenizerClass(
        "Unigram",
        {**_BERT, **_BERT_ENDS},
        _deberta_normalizer,
        _deberta_metaspace,
        unk_id=_index_of_unscored,
    ),
}

GENERIC_CLASSES = ("TokenizersBackend", "PreTrainedTokenizer", "PythonBackend")
"""Names of the class that reads tokenizer.json as is."""

NEEDS_CODE = ("BertJapaneseTokenizer", "BertweetTokenizer", "PhobertTokenizer")
"""Classes that split words with code that no tokenizer.json holds."""

DEFAULT_CLASSES = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "nomic_bert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "albert": "AlbertTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
}
"""The default class of each family. Families without one read tokenizer.json as is, whatever class
they name."""
