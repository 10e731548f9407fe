"""What to do about vectors that are not as a model's folder declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from poolwise.doctor.statement import Aspect, Statement
from poolwise.doctor.wording import value_text


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a difference, in a sentence or two."""

    aspect: Aspect
    text: str


_REMEDIES: Mapping[Aspect, str] = {
    "readout": "Set the pooling of what makes these vectors to {declared}, and make stored ones "
    "again: they do not mix with others.",
    "after pooling": "After pooling, apply {declared}, and make stored vectors again: they do not "
    "mix with others.",
    "normalisation": "Compare by cosine, which norms do not change; or divide each vector by its "
    "norm where a dot product is used.",
    "dimensions": "Compare only vectors cut to the same number of dimensions; normalise after the "
    "cut.",
    "prompt": "Put the prompt that the folder declares ({declared}) in front of every text of this "
    "kind; vectors with another prompt do not mix with these.",
    "special tokens": "Let the tokenizer add its special tokens (add_special_tokens=True).",
    "casing": "Give texts to the model's own tokenizer, with its own settings "
    "(tokenizer_config.json, sentence_bert_config.json).",
    "characters": "Leave texts as they are before the tokenizer: look for a clean-up in front of "
    "the model.",
    "white space": "Leave texts as they are before the tokenizer: look for a clean-up in front of "
    "the model.",
    "typed special tokens": "Read names of special tokens in texts as the model's tokenizer does.",
    "pairs": "Send one text an input.",
    "truncation": "Set the maximum length to {declared}; until then the ends of long texts count "
    "otherwise than the folder declares.",
    "arithmetic": "Compute in float32, or measure on your own data whether this precision costs "
    "anything; vectors of both may be mixed where it does not.",
    "repetition": "Put the model into evaluation mode (model.eval() in torch), and see whether "
    "several servers answer at this address.",
    "batch neighbours": "Give the attention mask of padded texts to the model and to pooling; "
    "until then send texts one by one.",
    "order": "Sort vectors back into the order of their texts; until then send texts one by one.",
    "cache": "Keep vectors by the texts as they are written, and empty the cache.",
    "rows": "Look at these rows: their texts have changed since, or their vectors are of others.",
}


def remedies(differences: Sequence[Statement]) -> list[Remedy]:
    """One for each difference that something is known against."""
    return [
        Remedy(statement.aspect, _text(statement))
        for statement in differences
        if statement.aspect in _REMEDIES
    ]


def _text(statement: Statement) -> str:
    declared = statement.declared
    said = (
        "what the folder declares" if declared is None else value_text(statement.aspect, declared)
    )
    return _REMEDIES[statement.aspect].format(declared=said)


def serve_command(model: str, readout: str) -> str:
    """What serves vectors of this readout."""
    return f"poolwise serve {quote(model)} -r {quote(readout)}"
