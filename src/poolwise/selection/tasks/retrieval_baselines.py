"""What retrieves without an encoder's blocks: BM25, and averaged word vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import MissingExtraError, StudyError
from poolwise.selection.baselines import bm25
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.document_ranks import ranks_of_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[np.float64]

VECTORS = ("static word vectors", "static word vectors, SIF", "TF-IDF + SVD")
"""The baselines with vectors that take part: doc2vec would train for hours on a large corpus."""


def bm25_row_scores(
    task: RetrievalTask, cache: VectorCache
) -> tuple[Mapping[str, Array], list[str]]:
    """The pseudo-values of BM25 by its name, and a note on how it ranks, or on why it could not."""
    data = task.data
    try:
        scores = bm25.bm25_scores(data.documents, data.queries)
        ranks = ranks_of_scores(scores, task.judged.relevant, task.precedence, task.same_id)
    except (MissingExtraError, StudyError) as error:
        return {}, [f"{bm25.NAME}: not run because {error}"]
    return {bm25.NAME: task.scores_by(task.ranking_score, ranks, cache)}, [bm25.NOTE]
