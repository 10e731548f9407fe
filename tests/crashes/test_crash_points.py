"""A process that is killed anywhere leaves, under every name, nothing or something whole.

``make soak`` walks all points of all commands; here so many of each are drawn, with a seed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

POINTS = os.environ.get("POOLWISE_CRASH_POINTS", "2")
QUICK = (
    "embed-parquet", "embed-safetensors", "embed-npy", "embed-corpus", "predict-csv", "ask-recover",
    "inspect", "reproduce", "export-transformers", "convert", "transform", "readout",
)  # fmt: skip
"""Of each way to write one command or more; the others compute for long before they write."""
SEED = os.environ.get("POOLWISE_CRASH_SEED", "0")

ANIMALS = ("cat", "dog", "bird")
PLACES = ("on mat", "in old house", "over hill to sea", "was big and red", "ran", "we saw it")


def prepare(work: Path, encoder: Path) -> None:
    """What the commands read: an encoder, the same as a pickle, a classifier, texts and tables."""
    import torch
    from safetensors.torch import load_file

    import poolwise
    from poolwise.texts.labels import open_labels
    from poolwise.tuning.comparison import compare_readouts
    from poolwise.tuning.records import TrainingOptions

    shutil.copytree(encoder, work / "bert")
    shutil.copytree(encoder, work / "pickle")
    torch.save(load_file(encoder / "model.safetensors"), work / "pickle" / "pytorch_model.bin")
    (work / "pickle" / "model.safetensors").unlink()
    texts = [
        f"{w} {a} {p}".strip() for w in ("", "the", "no", "one") for a in ANIMALS for p in PLACES
    ]
    (work / "lines.txt").write_text("\n".join(texts))
    (work / "few.txt").write_text("\n".join(texts[:3]))
    rows = "".join(f"{text},{next(a for a in ANIMALS if a in text)}\n" for text in texts)
    (work / "labels.csv").write_text(f"text,label\n{rows}")
    pairs = "".join(f"{one},{texts[-i]},{i % 6}\n" for i, one in enumerate(texts))
    (work / "pairs.csv").write_text(f"sentence1,sentence2,score\n{pairs}")
    compare_readouts(
        poolwise.load(work / "bert"), open_labels([str(work / "labels.csv")]), ["cls@-1"],
        kind="classification", sizes=[8], seeds=1, options=TrainingOptions(epochs=1, steps=0),
        folder=work / "trained", workers=1,
    )  # fmt: skip
    (work / "trained" / "checkpoints" / "cls@-1").rename(work / "classifier")


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and kills what it forked")
def test_every_name_is_absent_or_whole_wherever_a_process_is_killed(tiny, tmp_path):
    prepare(tmp_path, tiny("bert"))
    (tmp_path / "tmp").mkdir()
    named = () if POINTS == "all" else QUICK
    walk = [sys.executable, str(Path(__file__).with_name("walk.py")), str(tmp_path), POINTS, SEED]
    done = subprocess.run(
        [*walk, *named],
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    walks = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(walks) == (23 if named else 39)
    assert all(walk["points"] >= 2 for walk in walks)
    assert all(walk["steps"] >= 5 for walk in walks)
    failed = {f"{walk['command']} {walk['start']}": walk["failures"] for walk in walks}
    assert not any(failed.values()), json.dumps(failed, indent=1)
