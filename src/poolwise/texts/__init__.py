"""Where sentences come from."""

from poolwise.texts.datasets import Dataset, Datasets, LabelledTexts, TaggedSentences, TextPairs
from poolwise.texts.hub import PREFIX
from poolwise.texts.labels import Kind, open_labels
from poolwise.texts.pairs import open_pairs
from poolwise.texts.sentences import split_sentences
from poolwise.texts.tags import open_tags
from poolwise.texts.texts import Texts, open_texts

__all__ = [
    "PREFIX",
    "Dataset",
    "Datasets",
    "Kind",
    "LabelledTexts",
    "TaggedSentences",
    "TextPairs",
    "Texts",
    "open_labels",
    "open_pairs",
    "open_tags",
    "open_texts",
    "split_sentences",
]
