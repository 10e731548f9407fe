"""config_sentence_transformers.json: prompts, and how vectors are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from poolwise.encoders.untrusted_files import as_object, describe, read_object
from poolwise.errors import EncoderError, listed

PROMPTS_CONFIG = "config_sentence_transformers.json"

SimilarityName = Literal["cosine", "dot", "euclidean", "manhattan"]

MAX_PROMPTS = 1000
MAX_PROMPT = 10_000

QUERY, DOCUMENT = "query", "document"
"""The prompts of ``encode_query`` and ``encode_document``. Every model has them: they are empty
where the folder names none, and then no default prompt takes their place."""

_UNNAMED = "default"
"""What a prompt is called that no name was given to."""

_NONE: Mapping[str, str] = MappingProxyType({QUERY: "", DOCUMENT: ""})


@dataclass(frozen=True)
class Prompts:
    """Texts that a model wants in front of what it reads.

    ``texts`` by name; ``default`` names the one that stands in front of every text for which
    nobody names another. ``pooled`` is False where the prompt's tokens are left out of pooling.
    """

    texts: Mapping[str, str] = field(default_factory=lambda: _NONE)
    default: str | None = None
    pooled: bool = True

    def resolve(self, prompt: str | None = None, name: str | None = None) -> str:
        """The text to put in front: ``prompt`` itself, the one of this ``name``, or the default.

        Raises EncoderError for a name that there is not, or where both are given.
        """
        if prompt is not None and name is not None:
            raise EncoderError(f"prompt {prompt!r} and prompt name {name!r}: give one of them")
        if prompt is not None:
            if not isinstance(prompt, str):
                raise EncoderError(f"prompt is {describe(prompt)}, expected a text")
            return prompt
        if not isinstance(name, str | None):
            raise EncoderError(f"the prompt's name is {describe(name)}, expected a text")
        wanted = self.default if name is None else name
        if wanted is None:
            return ""
        if wanted not in self.texts:
            named = listed(self.texts, describe)
            raise EncoderError(f"no prompt is named {wanted!r}; this model's are {named}")
        return self.texts[wanted]

    def with_default(self, prompt: str | None) -> Prompts:
        """The same prompts, of which ``prompt`` is the default one; None leaves what is."""
        if prompt is None or prompt == self.resolve():
            return self
        if not prompt:
            return replace(self, default=None)
        named = next((name for name, text in self.texts.items() if text == prompt), None)
        texts = self.texts if named else {**self.texts, _UNNAMED: prompt}
        return replace(self, texts=texts, default=named or _UNNAMED)


def read_prompts(folder: Path, *, pooled: bool) -> tuple[Prompts, SimilarityName]:
    """What the folder's file says, or that there is none. Raises EncoderError."""
    path = folder / PROMPTS_CONFIG
    found = read_object(path) if path.exists() else {}
    texts = as_object(found.get("prompts") or {}, f"{path}: prompts")
    if len(texts) > MAX_PROMPTS:
        raise EncoderError(f"{path}: {len(texts):,} prompts, at most {MAX_PROMPTS:,} are read")
    checked = {name: _prompt(text, name, path) for name, text in texts.items()}
    named = MappingProxyType({**_NONE, **checked})
    default = found.get("default_prompt_name")
    if default is not None and (not isinstance(default, str) or default not in named):
        raise EncoderError(
            f"{path}: default_prompt_name is {describe(default)}, expected one of {listed(named)}"
        )
    return Prompts(named, default, pooled), _similarity(found)


def _prompt(text: Any, name: str, path: Path) -> str:
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > MAX_PROMPT:
        raise EncoderError(
            f"{path}: the prompt {describe(name)} is {describe(text)}, expected a text of at most "
            f"{MAX_PROMPT:,} characters"
        )
    return text


def _similarity(found: Mapping[str, Any]) -> SimilarityName:
    """As sentence-transformers, which takes the cosine for a name that it does not know."""
    known: tuple[SimilarityName, ...] = get_args(SimilarityName)
    return next((name for name in known if name == found.get("similarity_fn_name")), "cosine")
