"""Corpus jobs: what the machinery costs over extraction, how workers scale, and memory.

    python benchmarks/corpus.py [--rounds 3] [--rows 12000] [--large 1000000] [--repeats 16]
                                [--out DIR]

Rows are sentences of novels (examples/novels.txt.gz) with ids in one Parquet file; the model is the
demo model. Each round runs, one after another and each in a process of its own: extraction without
a job, a job in one process, and jobs of one and of two workers; after them one job in float32. Then
one job of a tenth of the large corpus and one of all of it, whose peaks of memory are compared.
These have each sentence ``--repeats`` times in a row: equal texts of a window are computed once.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from claim import Claim, at_least, at_most
from machine import describe
from page import judged, markdown_table
from rounds import say

HERE = Path(__file__).parent
NOVELS = HERE.parent / "examples" / "novels.txt.gz"

EXTRACTION = """
import sys, time
import poolwise
from poolwise.texts import open_texts
texts = open_texts([sys.argv[1]], column="text", id_column="id")
batches = poolwise.load("demo").extract(texts, "mean@-1", precision="fast")
rows = sum(len(batch) for batch in batches)
assert rows == int(sys.argv[2]), rows
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A process: seconds of wall clock and of CPU, and its peak of memory (its workers' not)."""

    name: str
    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def corpus(path: Path, rows: int, repeats: int = 1) -> Path:
    """``rows`` sentences with ids, each ``repeats`` times in a row, written some at a time."""
    with gzip.open(NOVELS, "rt", encoding="utf-8") as file:
        sentences = [line.rstrip("\n") for line in file if line.strip()]
    texts = (text for text in itertools.cycle(sentences) for _ in range(repeats))
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            ids = pa.array(range(start, start + count), pa.int64())
            chunk = pa.array(list(itertools.islice(texts, count)))
            writer.write_table(pa.table([ids, chunk], schema=schema))
    return path


def measured(name: str, rows: int, command: Sequence[str]) -> Measured:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{name} ended with {status}")
    result = Measured(
        name, rows, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    )
    say(f"{name}: {rows:,} rows in {seconds:.1f} s, {result.rate:,.0f}/s, {result.peak_mb:,.0f} MB")
    return result


def job(path: Path, rows: int, name: str, *options: str) -> Measured:
    output = path.with_suffix("")
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "poolwise", "embed", "demo", str(path), "-o", f"{output}/"]
    command += ["--id-column", "id", "-r", "mean@-1", "--precision", "fast", *options]
    result = measured(name, rows, command)
    success = json.loads((output / "_SUCCESS").read_text())
    assert success["rows"] == rows, success
    shutil.rmtree(output)
    return result


def rounds(folder: Path, arguments: argparse.Namespace) -> list[Measured]:
    rows = arguments.rows
    path = corpus(folder / "rounds.parquet", rows)
    parts = ("--part-rows", str(rows // 8))
    extraction = [sys.executable, "-c", EXTRACTION, str(path), str(rows)]
    results = []
    for number in range(arguments.rounds):
        say(f"round {number + 1} of {arguments.rounds}")
        results += [
            measured("extraction", rows, extraction),
            job(path, rows, "job", *parts),
            job(path, rows, "job, 1 worker", "--workers", "1", *parts),
            job(path, rows, "job, 2 workers", "--workers", "2", *parts),
        ]
    path = corpus(folder / "exact.parquet", rows // 4)
    options = ("--workers", "1", "--precision", "exact")
    return [*results, job(path, rows // 4, "job, 1 worker, exact", *options)]


def sizes(folder: Path, arguments: argparse.Namespace) -> list[Measured]:
    results = []
    for rows in (arguments.large // 10, arguments.large):
        path = corpus(folder / f"{rows}.parquet", rows, arguments.repeats)
        results.append(job(path, rows, f"job of {rows:,} rows"))
        path.unlink()
    return results


def ratios(results: Sequence[Measured], first: str, second: str) -> list[tuple[str, float]]:
    """The rate of ``first`` over that of ``second``, round by round."""
    pairs = zip(
        [r for r in results if r.name == first],
        [r for r in results if r.name == second],
        strict=True,
    )
    return [(f"round {n}", a.rate / b.rate) for n, (a, b) in enumerate(pairs, 1)]


def median(values: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    ordered = sorted(value for _, value in values)
    return [("median", ordered[len(ordered) // 2])] if ordered else []


def claims(timed: Sequence[Measured], sized: Sequence[Measured]) -> list[Claim]:
    overhead = [(name, 100 * (value - 1)) for name, value in ratios(timed, "extraction", "job")]
    scaling = ratios(timed, "job, 2 workers", "job, 1 worker")
    growth = [("", 100 * (sized[1].peak_mb / sized[0].peak_mb - 1))] if len(sized) == 2 else []
    large = f"{sized[1].rows:,} rows" if len(sized) == 2 else "the large corpus"
    return [
        at_most("time of a job beyond extraction, median of rounds", 5, median(overhead), " %"),
        at_least("two workers over one, median of rounds", 1.8, median(scaling), "x"),
        at_most(f"peak of memory for {large} over that of a tenth of them", 10, growth, " %"),
    ]


def page(results: dict[str, Any], timed: Sequence[Measured], sized: Sequence[Measured]) -> str:
    lines = ["# Corpus jobs", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        f"- demo model, precision fast, mean@-1; rounds: {results['rounds']}; the whole run took "
        f"{results['minutes']:.0f} minutes",
        f"- the two last jobs have each sentence {results['repeats']} times in a row",
        f"- busy or waiting processes in the minute before: {results['load_before']:.1f}",
        "",
    ]
    rows = [
        (
            r.name,
            f"{r.rows:,}",
            f"{r.seconds:.1f}",
            f"{r.rate:,.0f}",
            f"{r.cpu_seconds:.1f}",
            f"{r.peak_mb:,.0f}",
        )
        for r in (*timed, *sized)
    ]
    columns = ("", "rows", "seconds", "rows/s", "CPU seconds", "peak, MB")
    header = (
        "Whole processes, their starts included, in the order in which they ran. CPU seconds "
        "count workers, the peak of memory does not.\n"
    )
    table = markdown_table(header, columns, rows)
    return "\n".join([*lines, table, judged(claims(timed, sized))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=16)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    start = time.perf_counter()
    results: dict[str, Any] = {
        "machine": describe("pyarrow"),
        "load_before": os.getloadavg()[0],
        "rounds": arguments.rounds,
        "repeats": arguments.repeats,
    }
    with tempfile.TemporaryDirectory() as name:
        timed = rounds(Path(name), arguments) if arguments.rounds else []
        sized = sizes(Path(name), arguments) if arguments.large else []
    results["minutes"] = (time.perf_counter() - start) / 60
    results["processes"] = [asdict(r) for r in (*timed, *sized)]
    text = page(results, timed, sized)
    stem = arguments.out / f"corpus-{time.strftime('%Y-%m-%d')}"
    stem.with_suffix(".md").write_text(text, encoding="utf-8")
    stem.with_suffix(".json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
