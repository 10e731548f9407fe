"""config_sentence_transformers.json: prompts, and the measure of similarity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from poolwise.encoders.untrusted_files import abridge, as_object, read_object
from poolwise.errors import EncoderError, listed

PROMPTS_CONFIG = "config_sentence_transformers.json"

TextKind = Literal["query", "document"]

SimilarityName = Literal["cosine", "dot", "euclidean", "manhattan"]

MAX_PROMPTS = 1000
MAX_PROMPT = 10_000

QUERY, DOCUMENT = "query", "document"
"""The prompts of ``encode_query`` and ``encode_document``. Every model has both: without a text in
the folder they are empty, and the default prompt does not replace them."""

_UNNAMED = "default"
"""The name of a prompt that was given as a text alone."""

_EMPTY: Mapping[str, str] = MappingProxyType({QUERY: "", DOCUMENT: ""})


@dataclass(frozen=True)
class Prompts:
    """The prompts of a model.

    ``texts`` by name; ``default`` is the name of the prompt that applies where no other is chosen.
    ``pooled`` is False where the prompt's tokens are left out of pooling. ``chosen`` are the
    prompts that a caller has given for queries and for documents.
    """

    texts: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    default: str | None = None
    pooled: bool = True
    chosen: Mapping[TextKind, str] = field(default_factory=dict)

    def resolve(self, prompt: str | None = None, name: str | None = None) -> str:
        """The text to prepend: ``prompt`` itself, the prompt of this ``name``, or the default.

        Raises EncoderError for an unknown name, or where both arguments are given.
        """
        if prompt is not None and name is not None:
            raise EncoderError(f"prompt {prompt!r} and prompt name {name!r}: give one of them")
        if prompt is not None:
            if not isinstance(prompt, str):
                raise EncoderError(f"prompt is {abridge(prompt)}, expected a text")
            return prompt
        if not isinstance(name, str | None):
            raise EncoderError(f"the prompt's name is {abridge(name)}, expected a text")
        name = self.default if name is None else name
        if name is None:
            return ""
        if name not in self.texts:
            known = listed(self.texts, abridge)
            raise EncoderError(f"no prompt is named {name!r}; this model's are {known}")
        return self.texts[name]

    def with_default(self, prompt: str | None) -> Prompts:
        """The same prompts with ``prompt`` as the default; None leaves the default as it is."""
        if prompt is None or prompt == self.resolve():
            return self
        if not prompt:
            return replace(self, default=None)
        name = next((name for name, text in self.texts.items() if text == prompt), None)
        texts = self.texts if name else {**self.texts, _UNNAMED: prompt}
        return replace(self, texts=texts, default=name or _UNNAMED)


def read_prompts(folder: Path, *, pooled: bool) -> tuple[Prompts, SimilarityName]:
    """The prompts and the similarity of a folder, or their defaults. Raises EncoderError."""
    path = folder / PROMPTS_CONFIG
    config = read_object(path) if path.exists() else {}
    texts = as_object(config.get("prompts") or {}, f"{path}: prompts")
    if len(texts) > MAX_PROMPTS:
        raise EncoderError(f"{path}: {len(texts):,} prompts, at most {MAX_PROMPTS:,} are read")
    checked = {name: _prompt(text, name, path) for name, text in texts.items()}
    prompts = MappingProxyType({**_EMPTY, **checked})
    default = config.get("default_prompt_name")
    if default is not None and (not isinstance(default, str) or default not in prompts):
        raise EncoderError(
            f"{path}: default_prompt_name is {abridge(default)}, expected one of {listed(prompts)}"
        )
    return Prompts(prompts, default, pooled), _similarity(config)


def _prompt(text: Any, name: str, path: Path) -> str:
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > MAX_PROMPT:
        raise EncoderError(
            f"{path}: the prompt {abridge(name)} is {abridge(text)}, expected a text of at most "
            f"{MAX_PROMPT:,} characters"
        )
    return text


def _similarity(config: Mapping[str, Any]) -> SimilarityName:
    """The measure that the file names; like sentence-transformers, cosine for an unknown name."""
    known: tuple[SimilarityName, ...] = get_args(SimilarityName)
    return next((name for name in known if name == config.get("similarity_fn_name")), "cosine")
