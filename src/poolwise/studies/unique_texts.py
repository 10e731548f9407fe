"""The texts of a data set, whatever else it holds."""

from __future__ import annotations

from collections.abc import Iterable

from poolwise.errors import StudyError
from poolwise.texts import LabelledTexts, TextPairs, Texts

TextData = TextPairs | LabelledTexts | Texts
"""Data sets whose texts can be read alone."""


def unique_texts(data: TextData) -> list[str]:
    """The different texts of a data set, without those that are blank.

    Raises StudyError where there is none.
    """
    if isinstance(data, TextPairs):
        texts: Iterable[str] = [*data.first, *data.second]
    elif isinstance(data, LabelledTexts):
        texts = data.texts
    else:
        texts = [sentence.text for sentence in data]
    unique = [text for text in dict.fromkeys(texts) if text.strip()]
    if not unique:
        raise StudyError(f"{data.name} holds no text, so there is nothing to measure")
    return unique
