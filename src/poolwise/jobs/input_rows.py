"""The rows of a part, out of the inputs, which are read on where the part before ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from poolwise.errors import TextError
from poolwise.jobs.plan import Part, Segment
from poolwise.texts.corpus_rows import Corpus, CorpusRow


class InputRows:
    """Reads parts, best in ascending order: each input is then read once."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._source, self._position = -1, 0
        self._open: Iterator[CorpusRow] = iter(())

    def of(self, part: Part) -> Iterator[CorpusRow]:
        """The part's rows; those without an id of their own are numbered over all inputs.

        Raises TextError where an input has fewer rows than the plan says.
        """
        number = part.first_row
        for segment in part.segments:
            for row in self._segment(segment):
                if self._corpus.columns.id is None:
                    row = replace(row, sentence=replace(row.sentence, id=number))  # noqa: PLW2901
                number += 1
                yield row

    def _segment(self, segment: Segment) -> Iterator[CorpusRow]:
        if segment.source != self._source or segment.first < self._position:
            self._open = self._corpus.rows(segment.source, segment.first)
        else:
            skipped = segment.first - self._position
            for _ in islice(self._open, skipped):
                pass
        self._source, self._position = segment.source, segment.first
        for row in islice(self._open, segment.rows):
            self._position += 1
            yield row
        if self._position < segment.first + segment.rows:
            raise TextError(
                f"{self._corpus.sources[segment.source].label} has {self._position:,} rows, and "
                f"had {segment.first + segment.rows:,} when the job was planned: it has changed"
            )
