"""Where sentences come from."""

from poolwise.texts.sentences import split_sentences
from poolwise.texts.texts import Texts, open_texts

__all__ = ["Texts", "open_texts", "split_sentences"]
