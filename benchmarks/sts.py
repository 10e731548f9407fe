"""Spearman x 100 of cosine on STS Benchmark pairs: poolwise beside sentence-transformers.

    python benchmarks/sts.py sts-dev.csv [--model demo]

FILE is the benchmark's own tab-separated file (score in column 5, sentences in 6 and 7). It may not
be shipped here; http://ixa2.si.ehu.eus/stswiki names where it comes from.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from machine import describe
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer

import poolwise

HERE = Path(__file__).parent
READOUTS = ("mean@-1", "cls@-1", "pooler", "mean@-2", "mean@embeddings")


def read_pairs(path: Path) -> tuple[list[str], list[str], list[float]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [r[5] for r in rows], [r[6] for r in rows], [float(r[4]) for r in rows]


def spearman(left: np.ndarray, right: np.ndarray, scores: list[float]) -> float:
    left, right = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return 100 * float(spearmanr((left * right).sum(1) / lengths, scores).statistic)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="demo")
    arguments = parser.parse_args()
    left, right, scores = read_pairs(arguments.file)
    encoder = poolwise.load(arguments.model)
    readouts = [r for r in READOUTS if r != "pooler" or encoder.has_pooler]
    batches = list(encoder.extract(left + right, readouts))
    correlations = {}
    for readout in readouts:
        vectors = np.concatenate([b.vectors[readout] for b in batches])
        correlations[readout] = spearman(vectors[: len(left)], vectors[len(left) :], scores)
    reference = SentenceTransformer(str(encoder.folder), device="cpu")
    correlations["sentence-transformers encode"] = spearman(
        reference.encode(left), reference.encode(right), scores
    )
    results = {
        "machine": describe(),
        "pairs": len(scores),
        "model": arguments.model,
        "spearman": correlations,
    }
    out = HERE / "results" / f"sts-{arguments.file.stem}-{results['machine']['date']}.json"
    out.write_text(json.dumps(results, indent=2) + "\n")
    for name, value in correlations.items():
        print(f"{value:7.3f}  {name}")


if __name__ == "__main__":
    main()
