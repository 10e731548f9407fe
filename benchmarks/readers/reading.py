"""Runs one reader over a request: ``python reading.py MODULE REQUEST ANSWER``.

The request is JSON: ``texts``, and ``jobs`` that each name a ``folder``, its ``format`` and the
``pool`` and the ``l2`` of its readout. The answer holds ``versions`` and a result for each job:
``vectors``, or the ``error`` that the library raised.
"""

from __future__ import annotations

import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


class NotOfferedError(Exception):
    """The library has no spelling for what is asked."""


def pooled_states(extract: Any, tokenizer: Any, text: str, job: dict[str, Any]) -> Any:
    """The vector of a text, by hand as a model card says, from a feature-extraction pipeline."""
    ids = tokenizer(text, truncation=True, return_special_tokens_mask=True)
    (states,) = extract(text, truncation=True)
    kept = np.asarray(ids["attention_mask"], bool)
    if job["pool"].endswith("[words]"):
        kept &= ~np.asarray(ids["special_tokens_mask"], bool)
    tokens = np.asarray(states)[kept]
    kind = job["pool"].partition("[")[0]
    made = {"mean": tokens.mean, "max": tokens.max}
    vector = made[kind](axis=0) if kind in made else tokens[0]
    return vector / np.linalg.norm(vector) if job["l2"] else vector


def answer(module: str, request: dict[str, Any]) -> dict[str, Any]:
    """What the reader ``module`` makes of a request."""
    reader = importlib.import_module(module)
    results = []
    for job in request["jobs"]:
        try:
            vectors = reader.read(job["folder"], request["texts"], job)
            results.append({"vectors": np.asarray(vectors, np.float64).tolist()})
        except Exception as error:
            results.append({"error": f"{type(error).__name__}: {error}"[:300]})
    return {"versions": {name: version(name) for name in reader.PACKAGES}, "results": results}


if __name__ == "__main__":
    name, asked, answered = sys.argv[1:]
    content = answer(name, json.loads(Path(asked).read_text()))
    Path(answered).write_text(json.dumps(content))
