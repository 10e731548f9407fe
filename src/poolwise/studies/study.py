"""What a study is: a question, the data it takes, and a run that yields findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Precision
from poolwise.selection.selection import Selection
from poolwise.selection.vector_cache import VectorCache
from poolwise.texts import DataKind, Dataset


@dataclass(frozen=True, slots=True)
class VectorRequest:
    """Texts, and the pooled readouts (without steps) that a study reads of each of them.

    ``queries`` and ``documents`` are texts that are read under the model's prompts of these kinds.
    """

    texts: Sequence[str]
    readouts: Sequence[Readout]
    queries: Sequence[str] = ()
    documents: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a study runs in: the model, how its passes run, and the vectors that are shared.

    ``cache`` holds the vectors of every ``VectorRequest`` of this run, from one pass over the
    union of them; None where no study of the run requests any. ``text_baselines``: whether
    baselines that do not read the model are scored; of several models they are scored once.
    """

    model: Model
    precision: Precision = "exact"
    progress: bool = False
    cache: VectorCache | None = None
    text_baselines: bool = True

    @property
    def vectors(self) -> VectorCache:
        """The shared vectors, for a study that requests some."""
        assert self.cache is not None, "only a study that SharesVectors may read them"
        return self.cache

    @property
    def pass_options(self) -> dict[str, Any]:
        """Keyword arguments of a pass of one's own: precision and progress."""
        return {"precision": self.precision, "progress": self.progress}


class Study(Protocol):
    """One question, answered on the data that the study is made with.

    A study is constructed with its data (one set, or a sequence of sets: see ``Question.joint``)
    and with those options that its row in the registry names, by keyword.
    """

    name: str
    question: str
    takes: Sequence[DataKind]
    """The kinds of data that it can be measured on."""

    @property
    def data(self) -> Sequence[Dataset]:
        """The data sets that it is measured on; their notes are added to its findings."""
        ...

    def run(self, context: Context) -> Iterator[Finding]:
        """Yield findings, each as soon as it is known.

        The runner adds the model's provenance, the date and the notes of the data. Raises
        StudyError where the data cannot carry an answer.
        """
        ...


@runtime_checkable
class SharesVectors(Protocol):
    """A study that reads vectors of whole texts from the pass that all studies of a run share."""

    def request(self, model: Model) -> VectorRequest:
        """What it reads from the pass. Raises StudyError where the model cannot carry an answer."""
        ...


@runtime_checkable
class Selects(Study, Protocol):
    """A study that chooses a readout; ``selection`` is there once it has run.

    ``select`` scores the readouts of the context's model; ``report`` says what a selection shows.
    Of several models ``select`` runs once for each, and ``report`` once, on the selections joined.
    """

    selection: Selection | None

    def select(self, context: Context) -> Selection: ...

    def report(self, selection: Selection) -> Finding: ...
