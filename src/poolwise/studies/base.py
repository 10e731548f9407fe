"""What a study is: a question, the vectors it needs, and what it finds in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from poolwise.readouts import Readout
from poolwise.records import Finding, Sentence, VectorBatch

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


class Study(Protocol):
    """Called in this order: ``readouts`` once, ``consume`` for each batch of the user's texts,
    ``control_texts`` once, ``consume`` for each batch of those, ``findings`` once.

    A batch may hold vectors that other studies asked for, and control texts of theirs
    (``Sentence.group``): a study takes what is its own.
    """

    question: str

    def readouts(self, encoder: Encoder) -> Sequence[Readout]:
        """What to read from this encoder. Raises StudyError where it cannot carry an answer."""
        ...

    def consume(self, batch: VectorBatch) -> None:
        """Take in a batch; keep sums and numbers by row, never vectors."""
        ...

    def control_texts(self) -> Iterator[Sentence]:
        """Texts to compare with, made from what was consumed; often none."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Answers. Raises StudyError where the texts cannot carry one."""
        ...
