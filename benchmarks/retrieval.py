"""How long it takes, and how much memory, to rank a corpus under every layer and pool.

    python benchmarks/retrieval.py TEXTS [--queries 5000] [--documents 100000] [--model demo]
                                   [--drawn]

Texts are the sentences of TEXTS (``-`` for those of examples/novels.txt.gz); where they are too few
they are joined to their successors and numbered, so that no two are alike. Each query is the first
half of a document, which alone is relevant. The embedding, and the ranking under every readout of
``GRID``, are timed apart, in seconds of the clock and of all cores, with the peak memory after
each. With ``--drawn`` vectors are drawn, a query's beside its document's, where embedding would
take too long: ranking takes the same time whatever they are. Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from itertools import islice
from pathlib import Path

import numpy as np
from machine import describe

import poolwise
from poolwise.selection.baselines.bm25 import bm25_scores
from poolwise.selection.grid import expand_grid
from poolwise.selection.scoring import score_readouts
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.document_ranks import ranks_of_scores
from poolwise.texts import RetrievalData, texts_from

HERE = Path(__file__).parent
NOVELS = HERE.parent / "examples" / "novels.txt.gz"
GRID = "{cls,mean,max}@*"


def documents(path: Path, count: int) -> list[str]:
    """``count`` different texts of a few dozen words."""
    sentences = [s.text for s in texts_from(str(path), split="sentences") if len(s.text) > 40]
    sentences = list(dict.fromkeys(sentences))
    made, length = list(sentences), 1
    while len(made) < count:
        length += 1
        joined = (" ".join(sentences[i : i + length]) for i in range(len(sentences) - length))
        made += islice(joined, count - len(made))
    return [f"{text} ({number})" for number, text in enumerate(made[:count])]


def data(texts: list[str], n_queries: int) -> RetrievalData:
    step = len(texts) // n_queries
    places = list(range(0, len(texts), step))[:n_queries]
    queries = [" ".join(texts[i].split()[: max(len(texts[i].split()) // 2, 4)]) for i in places]
    return RetrievalData(
        "sentences",
        [f"q{i}" for i in places],
        queries,
        [f"d{i}" for i in range(len(texts))],
        texts,
        [{i: 1.0} for i in places],
        [""] * n_queries,
        f"{len(texts)} {n_queries}",
    )


def drawn_vectors(cache: VectorCache, n_queries: int) -> None:
    """Fill the cache: queries first, each near a document, all with a mean that is not zero."""
    rng = np.random.default_rng(0)
    for readout in cache.readouts:
        vectors = rng.standard_normal((len(cache), 384), np.float32) + 1
        step = (len(cache) - n_queries) // n_queries
        noise = rng.standard_normal((n_queries, 384), np.float32)
        places = n_queries + step * np.arange(n_queries)
        vectors[:n_queries] = vectors[places] + 3 * noise
        cache._file.seek(cache._offsets[readout])
        cache._file.write(vectors.data)
    cache._file.flush()
    cache.usable[:] = True


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts")
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--drawn", action="store_true")
    options = parser.parse_args()
    path = NOVELS if options.texts == "-" else Path(options.texts)
    task = RetrievalTask(data(documents(path, options.documents), options.queries), 0)
    model = poolwise.load(options.model)
    readouts = [r for r in expand_grid(model, GRID, 1000) if not r.steps and r.layers]
    start = time.perf_counter()
    if options.drawn:
        texts = [(None, text) for text in (*task.data.queries, *task.documents)]
        cache = VectorCache(
            texts, {str(r): 384 for r in readouts}, {"query": None, "document": None}
        )
        drawn_vectors(cache, options.queries)
    else:
        cache = cache_vectors(
            model, [], readouts, queries=task.data.queries, documents=task.documents, progress=True
        )
    embedded, peak_embedded, cpu = time.perf_counter(), peak_gb(), time.process_time()
    with single_blas_thread():
        selection = score_readouts(model, task, readouts, cache, progress=True)
    ranked, peak_ranked, cpu = time.perf_counter(), peak_gb(), time.process_time() - cpu
    ranks = ranks_of_scores(
        bm25_scores(task.data.documents, task.data.queries),
        task.judged.relevant,
        task.precedence,
        task.same_id,
    )
    done = time.perf_counter()
    best = selection.best_index
    result = {
        "machine": describe(),
        "queries": options.queries,
        "documents": options.documents,
        "readouts": len(readouts),
        "seconds": {
            "drawing" if options.drawn else "embedding": round(embedded - start, 1),
            "ranking": round(ranked - embedded, 1),
            "ranking, of all cores": round(cpu, 1),
            "BM25": round(done - ranked, 1),
        },
        "peak_gb": {"embedding": round(peak_embedded, 2), "ranking": round(peak_ranked, 2)},
        "best": {selection.names[best]: selection.scores[best].value},
        "BM25": float(task.ranking_score.of(ranks, task.judged.relevant).mean()),
    }
    print(json.dumps(result, indent=1))
    name = f"retrieval-{time.strftime('%Y-%m-%d')}.json"
    (HERE / "results" / name).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
