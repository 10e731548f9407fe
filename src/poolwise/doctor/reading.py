"""How a text becomes tokens, apart from the model: what a server can get wrong before it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from poolwise.doctor.rewritings import AS_WRITTEN, REWRITINGS, SEPARATOR
from poolwise.encoders.tokenizer.settings import Side

SpecialTokens = Literal["added", "none", "no closing token"]
"""Around a text: all that the tokenizer adds; none; all but those at the end."""

TypedTokens = Literal["as tokens", "as text"]
"""``[SEP]`` typed in a text is the special token, or the characters of its name."""

LetterCase = Literal["the tokenizer's", "kept"]
"""``kept``: the tokenizer's own lower-casing is switched off."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read texts.

    ``prompt`` stands in front of every text; ``casing``, ``characters`` and ``white_space`` name
    REWRITINGS of both. At most ``max_length`` tokens are read, special ones included, and a longer
    text is cut on this ``side``; None is as many as the encoder has positions for. ``separator``
    stands for SEPARATOR, between the two texts of a pair.
    """

    prompt: str = ""
    special_tokens: SpecialTokens = "added"
    typed_tokens: TypedTokens = "as tokens"
    letter_case: LetterCase = "the tokenizer's"
    casing: str = AS_WRITTEN
    characters: str = AS_WRITTEN
    white_space: str = AS_WRITTEN
    max_length: int | None = None
    side: Side = "right"
    separator: str = SEPARATOR

    def rewrite(self, text: str) -> str:
        """The text that is tokenized, the prompt in front."""
        text = self.prompt + text.replace(SEPARATOR, self.separator)
        text = REWRITINGS["characters"][self.characters](text)
        text = REWRITINGS["white space"][self.white_space](text)
        return REWRITINGS["casing"][self.casing](text)

    def changed(self, **fields: object) -> Reading:
        """The same reading with other ``fields``."""
        return replace(self, **fields)  # type: ignore[arg-type]
