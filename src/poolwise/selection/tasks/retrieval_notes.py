"""What a reader of a retrieval score should know: judgements, copies, cut documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from poolwise.records import CAREFUL
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.vector_cache import VectorCache

TOP = 10
"""The first documents that are looked at."""

MANY_CUT = 0.1
"""The share of cut documents from which retrieval suffers visibly."""

EQUAL = 1e-12
"""Scores of one query that differ by less are equal."""


def retrieval_notes(selection: Selection, task: RetrievalTask) -> Iterator[str]:
    """Notes on the data, and on the chosen readout's ranking."""
    cache = selection.candidates[selection.chosen_index].cache
    yield from _compared(selection)
    if task.data.proxy:
        yield f"{CAREFUL}{task.data.proxy}"
    else:
        yield from _unjudged(selection, task)
    yield from _cut(task, cache)
    yield from _copies(task)
    yield from _same_id(task)


def _compared(selection: Selection) -> Iterator[str]:
    """How many queries the chosen readout ranks better, and worse, than the one used now."""
    chosen, reference = selection.chosen_index, selection.reference
    if chosen == reference:
        return
    columns = selection.report_scores
    change = columns[:, chosen] - columns[:, reference]
    better, worse = int((change > EQUAL).sum()), int((change < -EQUAL).sum())
    yield (
        f"{selection.names[chosen]} scores higher than {selection.names[reference]} for "
        f"{better:,} of {len(change):,} queries, lower for {worse:,} and the same for "
        f"{len(change) - better - worse:,}"
    )


def _unjudged(selection: Selection, task: RetrievalTask) -> Iterator[str]:
    candidate = selection.candidates[selection.chosen_index]
    readout, cache = candidate.readout, candidate.cache
    vectors = cache[str(readout.pooled)]
    ranks = task.ranks(cache, vectors, readout, task.judged)
    if ranks is None:
        return
    rows = np.isin(task.judged.queries, selection.report_rows)
    top = min(TOP, len(task.data.documents))
    places = top * len(selection.report_rows)
    share = 1 - float((ranks[rows] <= top).sum()) / places
    yield (
        f"{share:.0%} of the first {top} documents of {readout} are not judged and count as not "
        "relevant; what finds relevant documents that nobody judged scores too low"
    )


def _cut(task: RetrievalTask, cache: VectorCache) -> Iterator[str]:
    """Documents, and queries, that are longer than the encoder reads."""
    cut = cache.truncated[cache.rows(task.documents, "document")]
    if not cut.any():
        return
    number, share = int(cut.sum()), float(cut.mean())
    are = "is" if number == 1 else "are"
    yield (
        f"{CAREFUL if share >= MANY_CUT else ''}{number:,} of {len(cut):,} documents ({share:.1%}) "
        f"{are} longer than the encoder reads, and their ends are not searched; divide long "
        "documents into passages"
    )
    relevant = task.judged.relevant
    whole = relevant.sums((~cut[relevant.documents]).astype(np.float64))
    only_cut = int(((whole == 0) & (relevant.counts > 0)).sum())
    if only_cut:
        yield f"all relevant documents of {_count(only_cut, 'query', 'queries')} are cut"


def _copies(task: RetrievalTask) -> Iterator[str]:
    counts = Counter(task.documents)
    copies = len(task.documents) - len(counts)
    if copies:
        yield (
            f"{_count(copies, 'document is a copy', 'documents are copies')} of another as the "
            "encoder reads them; of copies the one with the higher id ranks first, as in trec_eval"
        )
    queries = len(set(task.data.queries) & set(task.data.documents))
    if queries:
        yield f"{_count(queries, 'query is', 'queries are')} also in the corpus, word for word"


def _same_id(task: RetrievalTask) -> Iterator[str]:
    own = int((task.same_id >= 0).sum())
    if not own:
        return
    yield (
        f"{_count(own, 'query has', 'queries have')} the id of a document, which is left out of "
        "the ranking, as BEIR has it"
    )
    relevant = task.judged.relevant
    lost = int((task.same_id[relevant.queries] == relevant.documents).sum())
    if lost:
        yield (
            f"{CAREFUL}for {_count(lost, 'query', 'queries')} the document of the same id is "
            "judged relevant; it is left out, and counts as missed"
        )


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
