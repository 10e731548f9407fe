"""The vectors of a window of rows, whatever is wrong with some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from poolwise.errors import TextError, is_out_of_memory
from poolwise.extraction import Extraction
from poolwise.records import VectorBatch
from poolwise.texts.corpus_rows import CorpusRow


@dataclass(frozen=True, slots=True)
class WindowVectors:
    """Consecutive ``rows``; ``problems`` of those without vectors, by their place; ``batches`` hold
    the vectors of all others, in order."""

    rows: Sequence[CorpusRow]
    problems: Mapping[int, str]
    batches: Sequence[VectorBatch]


def window_vectors(extraction: Extraction, rows: Sequence[CorpusRow]) -> WindowVectors:
    """One pass over the rows.

    Where it ends for want of memory, or at a text that the tokenizer refuses, each half of the rows
    is tried alone; what a single row ends with is its problem.
    """
    problems = {place: row.problem for place, row in enumerate(rows) if row.problem}
    good = [place for place in range(len(rows)) if place not in problems]
    batches: list[VectorBatch] = []
    for item in _halved(extraction, rows, good):
        if isinstance(item, VectorBatch):
            batches.append(item)
        else:
            problems |= item
    return WindowVectors(rows, problems, batches)


def _halved(
    extraction: Extraction, rows: Sequence[CorpusRow], places: Sequence[int]
) -> Iterator[VectorBatch | dict[int, str]]:
    if not places:
        return
    try:
        yield from list(extraction.run([rows[place].sentence for place in places]))
    except (TextError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        problem = _problem(error, rows[places[0]])
    else:
        return
    if len(places) == 1:
        yield {places[0]: problem}
        return
    middle = len(places) // 2
    yield from _halved(extraction, rows, places[:middle])
    yield from _halved(extraction, rows, places[middle:])


def _problem(error: Exception, row: CorpusRow) -> str:
    if isinstance(error, TextError):
        reason = str(error).removeprefix(f"{row.sentence.location}: ")
        return f"tokenizer: {reason}"
    return "memory: this text alone takes more memory than there is"
