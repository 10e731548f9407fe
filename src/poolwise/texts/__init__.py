"""Where sentences come from."""

from poolwise.texts.datasets import (
    DataKind,
    Dataset,
    Datasets,
    LabelledTexts,
    RetrievalData,
    TaggedSentences,
    TextPairs,
)
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.inference.inferred_data import InferredData, open_inferred
from poolwise.texts.inference.inferred_task import TaskName
from poolwise.texts.inference.profiled_table import ColumnChoice
from poolwise.texts.input_names import expand_inputs
from poolwise.texts.label_columns import LABEL_KINDS, LabelKind
from poolwise.texts.labels import open_labels
from poolwise.texts.pairs import open_pairs
from poolwise.texts.python_data import labels_from, pairs_from, tags_from, texts_from
from poolwise.texts.retrieval.label_queries import queries_of_labels
from poolwise.texts.retrieval.python_queries import queries_from
from poolwise.texts.retrieval.queries import open_queries
from poolwise.texts.sentences import split_sentences
from poolwise.texts.tags import open_tags
from poolwise.texts.texts import Texts, open_texts

__all__ = [
    "LABEL_KINDS",
    "ColumnChoice",
    "DataKind",
    "Dataset",
    "Datasets",
    "InferredData",
    "LabelKind",
    "LabelledTexts",
    "RetrievalData",
    "TaggedSentences",
    "TaskName",
    "TextPairs",
    "Texts",
    "expand_inputs",
    "is_dataset",
    "labels_from",
    "open_inferred",
    "open_labels",
    "open_pairs",
    "open_queries",
    "open_tags",
    "open_texts",
    "pairs_from",
    "queries_from",
    "queries_of_labels",
    "split_sentences",
    "tags_from",
    "texts_from",
]
