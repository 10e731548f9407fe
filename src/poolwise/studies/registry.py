"""The questions: one row each, from which ``ask``, ``sweep``, the help and the Python API read.

A row names the study's class; its module is imported when the study is made, for the statistics and
the networks behind some of them take seconds to import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from poolwise.errors import OptionError, listed
from poolwise.texts import DataKind, Dataset, Datasets

if TYPE_CHECKING:
    from poolwise.studies.study import Study


@dataclass(frozen=True, slots=True)
class Question:
    """``study`` is ``module:class``; ``options`` are the keyword arguments that users may give it.

    ``joint``: one study over all data sets together, where others are made once for each set.
    ``sweep``: keyword arguments in a sweep; None where the question is no part of one.
    ``resumes``: trainings keep their state in the output folder, and go on from it.
    """

    question: str
    takes: Sequence[DataKind]
    study: str
    options: Sequence[str] = ("seed",)
    joint: bool = False
    sweep: Mapping[str, Any] | None = field(default=None)
    resumes: bool = False


_TASKS: Sequence[DataKind] = ("pairs", "labels")
_ANY_TEXT: Sequence[DataKind] = ("texts", "labels", "pairs")

QUESTIONS: dict[str, Question] = {
    "classification": Question(
        "Which readout can a linear probe classify best?",
        ("labels",),
        "poolwise.studies.classification:Classification",
        ("seed", "grid", "score"),
        sweep={},
    ),
    "similarity": Question(
        "Which readout's similarity agrees with people?",
        _TASKS,
        "poolwise.studies.similarity:Similarity",
        ("seed", "grid"),
        sweep={},
    ),
    "pair-classification": Question(
        "Which readout's cosines tell matching pairs from others?",
        ("pairs",),
        "poolwise.studies.pair_classification:PairClassification",
        ("seed", "grid"),
        sweep={},
    ),
    "retrieval": Question(
        "Which readout finds the relevant documents?",
        ("queries",),
        "poolwise.studies.retrieval:Retrieval",
        ("seed", "grid", "score"),
        sweep={},
    ),
    "bitext": Question(
        "Which readout's nearest sentence is the translation?",
        ("queries",),
        "poolwise.studies.bitext:Bitext",
        ("seed", "grid"),
    ),
    "clustering": Question(
        "Which readout's clusters are the labels?",
        ("labels",),
        "poolwise.studies.clustering:Clustering",
        ("seed", "grid"),
    ),
    "layers": Question(
        "Which layer should I take?",
        _TASKS,
        "poolwise.studies.layers:Layers",
        ("seed", "score"),
        sweep={},
    ),
    "pooler": Question(
        "Is the pooler's output a good summary?",
        _TASKS,
        "poolwise.studies.pooler:Pooler",
        ("seed", "score"),
        sweep={},
    ),
    "first": Question(
        "Why the first token: would any other do?",
        _TASKS,
        "poolwise.studies.first:First",
        ("seed", "score"),
        sweep={"rearrange": False},
    ),
    "knows": Question(
        "What does each layer know?",
        ("labels",),
        "poolwise.studies.probing:Probing",
        joint=True,
        sweep={},
    ),
    "geometry": Question(
        "What shape is the space?",
        ("pairs", "labels", "texts"),
        "poolwise.studies.geometry:Geometry",
        sweep={},
    ),
    "hints": Question(
        "Would a score without labels have chosen the readout?",
        ("pairs", "labels", "queries"),
        "poolwise.studies.hints:Hints",
        ("seed", "grid", "score"),
    ),
    "hubness": Question(
        "Which texts are near everything, and what does centring or whitening do to that?",
        ("queries", "labels", "texts"),
        "poolwise.studies.hubness:Hubness",
    ),
    "length": Question(
        "Does the norm of [CLS] encode the sentence's length?",
        ("texts",),
        "poolwise.studies.length:Length",
        sweep={},
    ),
    "tagging": Question(
        "Which layers tell what each word is?",
        ("tags",),
        "poolwise.studies.tagging:Tagging",
        sweep={"heads": ("linear",)},
    ),
    "average": Question(
        "Is [CLS] a weighted average of its sentence's tokens?",
        _ANY_TEXT,
        "poolwise.studies.average:Average",
    ),
    "attention": Question(
        "Where does [CLS] look, and what does it take?",
        _ANY_TEXT,
        "poolwise.studies.attention:Attention",
    ),
    "recover": Question(
        "How much of the sentence is in the vector?",
        _ANY_TEXT,
        "poolwise.studies.inversion:Inversion",
        ("seed", "readouts", "folder"),
        resumes=True,
    ),
    "tuned": Question(
        "Which readout, once the encoder is fine-tuned?",
        ("labels",),
        "poolwise.tuning.study:Tuned",
        ("seed", "readouts", "folder"),
        resumes=True,
    ),
}
"""By the name that users type; in the order in which a sweep asks them."""


def study_class(name: str) -> type[Study]:
    """The class behind a question; imports its module."""
    module, _, attribute = QUESTIONS[name].study.partition(":")
    study: type[Study] = getattr(import_module(module), attribute)
    return study


def studies_of(name: str, datasets: Datasets, **options: Any) -> list[Study]:
    """The studies of one question on ``datasets``: one a data set that it takes, or one for all.

    Raises OptionError for an option that the question does not have.
    """
    row = QUESTIONS[name]
    surplus = sorted(set(options) - set(row.options) - set(row.sweep or ()))
    if surplus:
        raise OptionError(
            f"{name} has no option {listed(surplus)}; its options are {listed(row.options)}"
        )
    sets = list(_sets(datasets, row.takes))
    if not sets:
        return []
    study: Any = study_class(name)
    return [study(sets, **options)] if row.joint else [study(data, **options) for data in sets]


def _sets(datasets: Datasets, kinds: Iterable[DataKind]) -> Iterator[Dataset]:
    for kind in kinds:
        yield from getattr(datasets, kind)
