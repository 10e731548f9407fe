"""What a reader of a retrieval score should know: judgements, copies, cut documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from poolwise.records import CAREFUL
from poolwise.selection.retrieval_task import RetrievalTask
from poolwise.selection.selection import Selection
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
        f"{better:,} queries, lower for {worse:,} and the same for "
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
    share = float(cut.mean())
    yield (
        f"{CAREFUL if share >= MANY_CUT else ''}{int(cut.sum()):,} of {len(cut):,} documents "
        f"({share:.0%}) are longer than the encoder reads; what stands in their cut ends is not "
        "found. Divide long documents into passages"
    )
    relevant = task.judged.relevant
    whole = relevant.sums((~cut[relevant.documents]).astype(np.float64))
    only_cut = int(((whole == 0) & (relevant.counts > 0)).sum())
    if only_cut:
        yield f"all relevant documents of {only_cut:,} queries are cut"


def _copies(task: RetrievalTask) -> Iterator[str]:
    counts = Counter(task.documents)
    copies = len(task.documents) - len(counts)
    if copies:
        yield (
            f"{copies:,} documents are copies of another as the encoder reads them; copies have "
            "the same rank but for the order of their ids, the higher id first"
        )
    queries = len(set(task.data.queries) & set(task.data.documents))
    if queries:
        yield f"{queries:,} queries are also documents, word for word"


def _same_id(task: RetrievalTask) -> Iterator[str]:
    own = int((task.same_id >= 0).sum())
    if not own:
        return
    yield f"{own:,} queries do not rank the document that has their own id, as BEIR has it"
    relevant = task.judged.relevant
    lost = int((task.same_id[relevant.queries] == relevant.documents).sum())
    if lost:
        yield (
            f"{CAREFUL}{lost:,} queries have the document of their own id among the relevant ones; "
            "it cannot be found, and counts as missed"
        )
