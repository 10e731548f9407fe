"""Mutated inputs through every reader and a tokenizer: rows, or an error in words; never more.

POOLWISE_INPUTS mutations are drawn by POOLWISE_MUTATION_SEED; a child reads them within limits of
memory and time.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

INPUTS = int(os.environ.get("POOLWISE_INPUTS", "200"))
SEED = int(os.environ.get("POOLWISE_MUTATION_SEED", "0"))
MEGABYTES, SECONDS = 2000, 10

TEXTS = ["The cat sat on the mat.", "naïve 猫, [SEP]!", 'say "a, b"', "ﷺ x", "", "it's 3.5\tkm"]
CSV = "text,label,id,score\n" + "".join(f'"{t.replace(chr(34), chr(34) * 2)}",a,{i},{i}.5\n'
                                        for i, t in enumerate(TEXTS))  # fmt: skip
PAIRS = "sentence1\tsentence2\tscore\n" + "".join(f"{t} a\t{t} b\t2.5\n" for t in "xyz")
STS = "".join(f"main-news\tMSRvid\t2012\t{i:04}\t3.2\ta cat {i}\tthe dog {i}\n" for i in range(5))
TAGS = "-DOCSTART- O\n\nThe DT\ncat NN\n\na DT\ndog NN\nsat VB\n\n"
SENTEVAL = "tr\ta\tthe cat\nva\tb\tthe dog\nte\ta\ta mat\n"
ROWS = [{"text": t, "label": i % 2, "more": {"body": t, "n": [i]}} for i, t in enumerate(TEXTS)]
JSONL = "".join(json.dumps(row, ensure_ascii=bool(i % 2)) + "\n" for i, row in enumerate(ROWS))
LINES = "\n".join(TEXTS * 4) + "\r\n"
QRELS = "".join(f"q{i} 0 d{i} {i % 3}\n" for i in range(6))
BEIR = "query-id\tcorpus-id\tscore\n" + "".join(f"q{i}\td{i}\t1\n" for i in range(6))
GRADES = json.dumps({f"q{i}": {f"d{i}": 1, "d0": 0} for i in range(6)}, indent=1)
QUERIES = "".join(f"q{i}\tfind {i}\n" for i in range(6))
CORPUS = "".join(
    json.dumps({"_id": f"d{i}", "title": f"t {i}", "text": t, "metadata": {}}) + "\n"
    for i, t in enumerate(TEXTS)
)
POSITIVES = json.dumps({"query": "a", "positive": ["b", "c"], "negatives": ["d"]}) + "\n"
IDS = "".join(f"d{i}\t{t} x\n" for i, t in enumerate(TEXTS[:4]))
TREC = "ENTY:animal What is the fastest fish ?\nLOC:city Where is it ?\n"

STRANGE = [
    *(b"\n" * 100_000, b'"', b'""', b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b"a" * 300_000, b"{" * 50_000, b"[" * 50_000, b"," * 50_000, b"\t" * 50_000, b"1e999"),
    *(b"sep=;\n", b"\x1f\x8b\x08", b"BZh91AY&SY", b"PAR1", b"PK\x03\x04", b"\xe2\x80\xa8"),
    *(b'{"text": null}\n', b'{"text": 1, "text": 2}\n', b'{"a":' * 500, b"\\ud800", b"NaN"),
    *(b"9" * 5000, "\u0301".encode() * 5000, "\ufdfa".encode() * 5000, b" " * 200_000 + b"a"),
]


def parquet(rng):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"text": TEXTS, "label": ["a", "b"] * 3, "more": [row["more"] for row in ROWS]}
    )
    stored = io.BytesIO()
    kind = rng.choice(["none", "snappy", "zstd", "gzip"])
    pq.write_table(table, stored, compression=kind, use_dictionary=rng.random() < 0.5)
    return stored.getvalue()


def zstd(data):
    import pyarrow as pa

    stored = io.BytesIO()
    with pa.CompressedOutputStream(stored, "zstd") as out:
        out.write(data)
        out.flush()
        return stored.getvalue()


PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
KINDS = {
    "csv": (CSV, ".csv"),
    "semicolons": (CSV.replace(",", ";"), ".csv"),
    "tsv": (CSV.replace(",", "\t"), ".tsv"),
    "jsonl": (JSONL, ".jsonl"),
    "lines": (LINES, ".txt"),
    "pairs": (PAIRS, ".tsv"),
    "sts": (STS, ".csv"),
    "tags": (TAGS, ".conll"),
    "senteval": (SENTEVAL, ".txt"),
    "trec": (TREC, ".txt"),
    "qrels": (QRELS, ".qrels"),
    "beir": (BEIR, ".tsv"),
    "grades": (GRADES, ".json"),
    "corpus": (CORPUS, ".jsonl"),
    "positives": (POSITIVES * 3, ".jsonl"),
    "ids": (IDS, ".tsv"),
}
ENCODINGS = ["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]
ASKED = ["utf-8"] * 6 + ["utf-16", "latin-1", "cp1252", "utf-7", "shift_jis", "big5", "utf-32"]


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 2, 4, 16])):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.choice([1, 3, 50])]
            case 2:
                data[at:at] = rng.randbytes(rng.choice([1, 8, 200]))
            case 3:
                data[at:at] = rng.choice(STRANGE)
            case 4:
                data[at:at] = data[: rng.choice([5, 50, 500])]
            case 5:
                del data[at:]
    return bytes(data)


def drawn(rng):
    """A file's name and bytes."""
    if rng.random() < 0.15:
        return "a.parquet", mutated(parquet(rng), rng)
    text, suffix = KINDS[rng.choice(list(KINDS))]
    data = text.encode(rng.choice(ENCODINGS), "replace")
    if rng.random() < 0.8:
        data = mutated(data, rng)
    if rng.random() < 0.3:
        packed = rng.choice(list(PACKED))
        data, suffix = PACKED[packed](data), suffix + packed
        if rng.random() < 0.5:
            data = mutated(data, rng)
    if rng.random() < 0.1:
        suffix = rng.choice([".csv", ".tsv", ".jsonl", ".txt", ".parquet", ".gz", ".zst", ""])
    return f"a{suffix}", data


def readers(path, rng):
    """What is tried, by name."""
    from poolwise.texts import open_labels, open_pairs, open_queries, open_tags, open_texts

    how = {"encoding": rng.choice(ASKED)}
    if rng.random() < 0.2:
        how["max_text_bytes"] = rng.choice([1, 10, 1000, 1 << 26])
    if rng.random() < 0.2:
        how["limit"] = rng.choice([1, 3, 100])
    if rng.random() < 0.2:
        how["seed"] = None
    column = rng.choice([None, None, "text", "more.body", "label", "nope"])
    kind = rng.choice(["classification", "multilabel", "regression"])
    format_ = rng.choice([None] * 5 + ["csv", "tsv", "jsonl", "lines", "parquet"])
    split = rng.choice([None, None, "sentences"])
    keep = rng.choice([(), (), ("label",), ("more", "nope")])
    return {
        "texts": lambda: list(
            open_texts(
                [path],
                column=column,
                keep=keep,
                blank=rng.random() < 0.5,
                split=split,
                format=format_,
                **how,
            )
        ),
        "labels": lambda: open_labels(path, kind=kind, **how).texts,
        "pairs": lambda: open_pairs(path, **how).first,
        "tags": lambda: [" ".join(words) for words in open_tags(path, **how).words],
        "positives": lambda: open_queries(path, **how).documents,
        **{
            f"retrieval, {part}": lambda parts=parts: open_queries(*parts, **how).documents
            for part, parts in retrieval_parts(path).items()
        },
    }


def retrieval_parts(path):
    """Queries, corpus and relevance, of which one is the mutated file."""
    whole = {"queries": QUERIES, "corpus": CORPUS, "relevance": QRELS}
    suffixes = {"queries": "tsv", "corpus": "jsonl", "relevance": "qrels"}
    files = {part: Path(path).parent / f"whole-{part}.{s}" for part, s in suffixes.items()}
    for part, content in whole.items():
        files[part].write_text(content)
    paths = {part: str(file) for part, file in files.items()}
    return {part: [*{**paths, part: path}.values()] for part in whole}


def check_one(path, rng, encoder):
    from poolwise.errors import PoolwiseError

    for name, read in readers(path, rng).items():
        try:
            rows = list(read())
        except PoolwiseError:
            continue
        finally:
            stage = name
        texts = [getattr(row, "text", row) for row in rows][:2000]
        assert all(isinstance(text, str) for text in texts), stage
        try:
            encoder.tokenize(texts)
        except PoolwiseError:
            continue


def child(folder, place, first, last):
    """Read mutations ``first`` to ``last``; print what failed, and "done"."""
    from poolwise.encoders import load

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    encoder = load(folder)
    for number in range(first, last):
        rng = random.Random(f"{SEED} {number}")
        name, data = drawn(rng)
        path = Path(place) / name
        path.write_bytes(data)
        print(number, flush=True)
        began = time.process_time()
        try:
            check_one(str(path), rng, encoder)
        except BaseException:
            print(f"mutation {number}: {traceback.format_exc()}", flush=True)
        seconds = time.process_time() - began
        status = Path("/proc/self/status").read_text()
        megabytes = int(status.split("VmHWM:")[1].split()[0]) >> 10
        if seconds > SECONDS or megabytes > MEGABYTES:
            print(f"mutation {number} took {seconds:.1f} s, {megabytes} MB", flush=True)
            break
        path.unlink()
    else:
        print("done", flush=True)


@pytest.mark.parametrize("part", range(2))
def test_mutated_inputs(tiny, tmp_path, part):
    first, last = part * INPUTS // 2, (part + 1) * INPUTS // 2
    where = [str(tiny("bert")), str(tmp_path), str(first), str(last)]
    command = [sys.executable, __file__, *where]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    printed = [line for line in done.stdout.splitlines() if not line.isdecimal()]
    assert printed == ["done"], f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


if __name__ == "__main__":
    child(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
