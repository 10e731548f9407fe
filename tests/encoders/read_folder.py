"""The process that reads mutated folders: ``python read_folder.py``, not a test by itself.

A line of JSON on stdin names a folder and how it is read. The line on stdout says what came of it:
``works``, ``refused: …``, or the traceback of anything else; then the most memory that the process
has taken so far, and the seconds of computing.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

import poolwise
from poolwise.encoders.conversion import conversion, worker
from poolwise.encoders.conversion.stored_tensors import ConversionError
from poolwise.encoders.description import describe
from poolwise.errors import PoolwiseError, PoolwiseWarning
from poolwise.transforms.fitted_readout import FittedReadout

TEXTS = ["The cat sat on the mat, [SEP] naïve 猫!", "", "tree " * 30, "ﷺ \u0301\u200d\t"]
HIGHEST = 4 << 30


def read(folder, thorough):
    """As ``poolwise.load`` and whoever embeds a text."""
    model = poolwise.load(folder)
    assert model.max_length >= 3
    tokens = model.tokenize(TEXTS)
    assert all(0 < text.n_tokens <= model.max_length for text in tokens)
    assert max(int(text.windows[0].ids.max()) for text in tokens) < model.config.vocab_size
    assert model.embed(TEXTS[:1], "mean@-1").shape == (1, model.width)
    if not thorough:
        return
    json.dumps(describe(model))
    assert len(model.embed(TEXTS, model.declared or "cls@-1")) == len(TEXTS)
    embedder = poolwise.Embedder(str(folder), "mean@0")
    assert len(embedder.encode(TEXTS[:2])) == 2


def classify(folder, thorough):
    """A checkpoint with a head."""
    classifier = poolwise.load_classifier(folder)
    assert len(classifier.predict(TEXTS[:1])) == 1
    if thorough:
        read(folder, thorough=False)


def choose(folder, thorough):
    """A readout.toml, and what its steps have learned beside it."""
    chosen = FittedReadout.of(folder / "readout.toml")
    if chosen.transform is not None and chosen.transform.width is not None:
        chosen.transform.apply(np.ones((2, chosen.transform.width), np.float32))
    if thorough:
        poolwise.load(folder).embed(TEXTS[:1], chosen)


def convert(folder, thorough):
    """A folder with pickles or HDF5; ``thorough`` leaves it to its own process."""
    out = folder.with_name("out")
    if not thorough:
        conversion._run_worker = work
    try:
        conversion.convert(folder, out)
        read(out, thorough=False)
    finally:
        conversion._run_worker = own_process
        shutil.rmtree(out, ignore_errors=True)


own_process = conversion._run_worker
worker._limit = lambda *_: None


def work(task, target, *sources, timeout):
    """What the process of a conversion does, in this one."""
    del timeout
    try:
        worker.TASKS[task](target, *sources)
    except (SystemExit, ConversionError, OSError) as error:
        raise poolwise.errors.EncoderError(str(error)) from error
    return []


HOW = {"read": read, "classify": classify, "choose": choose, "convert": convert}


def outcome(how, folder, thorough):
    """What came of it."""
    try:
        HOW[how](Path(folder), thorough)
    except PoolwiseError as error:
        said = str(error)
        if not said.strip() or len(said) > 4000:
            return f"a sentence of {len(said):,} characters: {said[:300]}"
        return f"refused: {said}"
    except BaseException:
        return traceback.format_exc()[-3000:]
    return "works"


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", PoolwiseWarning)
    resource.setrlimit(resource.RLIMIT_DATA, (HIGHEST, HIGHEST))
    answers = os.fdopen(os.dup(1), "w")
    # What else writes to stdout, such as tensors left out and Rust's panics, is not an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    for line in sys.stdin:
        how, folder, thorough = json.loads(line)
        started = time.process_time()
        said = outcome(how, folder, thorough)
        own = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
        peak = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) << 10
        print(json.dumps([said, peak, time.process_time() - started]), file=answers, flush=True)
