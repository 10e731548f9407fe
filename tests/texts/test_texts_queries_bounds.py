"""100,000 documents are read in bounded memory; of more, a limit keeps few."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

READ = """
import sys
from poolwise.texts import open_queries
limit = int(sys.argv[2]) or None
data = open_queries(sys.argv[1], corpus_limit=limit)
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(len(data), len(data.documents), int(peak) >> 10)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """2,000 queries and 100,000 documents of 600 bytes: 60 MB."""
    folder = tmp_path_factory.mktemp("large")
    words = "word " * 120
    with (folder / "corpus.jsonl").open("w") as file:
        for number in range(100_000):
            document = {"_id": f"d{number}", "title": f"{number}", "text": words, "metadata": {}}
            file.write(json.dumps(document) + "\n")
    with (folder / "queries.jsonl").open("w") as file:
        file.writelines(f'{{"_id": "q{n}", "text": "find {n}"}}\n' for n in range(2000))
    (folder / "qrels").mkdir()
    judgments = "".join(f"q{n}\td{n * 50}\t1\n" for n in range(2000))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judgments}")
    return folder


@pytest.mark.parametrize(("limit", "documents", "bound"), [(0, 100_000, 400), (5000, 5000, 200)])
def test_memory(large, limit, documents, bound):
    command = [sys.executable, "-c", READ, str(large), str(limit)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    n_queries, n_documents, megabytes = map(int, done.stdout.split())
    assert (n_queries, n_documents) == (2000, documents)
    assert megabytes < bound
