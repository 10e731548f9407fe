"""What the page may ask of the server at once: a few sentences, not a corpus."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.serving.errors import EmptyInputError, InvalidRequestError, TooManyInputsError

MAX_TEXTS = 40
MAX_READOUTS = 4
MAX_CHARACTERS = 20_000
"""Of one text; its tokens are shown."""

MAX_INSIDE_TEXTS = 8
MAX_INSIDE_TOKENS = 256
"""Of one text that is seen from inside: attention maps grow with its square."""


def check_texts(texts: Sequence[str], *, at_most: int) -> None:
    """Raises EmptyInputError, TooManyInputsError, InvalidRequestError."""
    if not texts:
        raise EmptyInputError("no sentence: expected one or more", param="texts")
    if len(texts) > at_most:
        raise TooManyInputsError(
            f"found {len(texts):,} sentences, expected at most {at_most}: leave some out",
            param="texts",
        )
    for i, text in enumerate(texts):
        check_text(text, f"texts[{i}]")


def check_text(text: str, place: str) -> None:
    """Raises EmptyInputError, InvalidRequestError."""
    if not text.strip():
        raise EmptyInputError(f"{place} is empty: expected a sentence", param=place)
    if len(text) > MAX_CHARACTERS:
        raise InvalidRequestError(
            f"{place} has {len(text):,} characters, expected at most {MAX_CHARACTERS:,} here; "
            "/v1/embeddings takes longer texts",
            param=place,
        )
