"""What poolwise and sentence-transformers' modules make of the same texts."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import poolwise
from poolwise.transforms import stateless


@pytest.fixture(scope="session")
def own():
    """``own(encoder, spec, texts)``: poolwise's vectors, no warnings of cut and empty texts."""
    return vectors


@pytest.fixture(scope="session")
def fitted():
    """``fitted(encoder, spec, texts)``: the readout, its steps, fitted on ``texts``, and their
    vectors."""
    return fitted_readout


@pytest.fixture(scope="session")
def stock():
    """``stock(folder, tokens, mask)``: what the modules in ``folder`` make of token vectors."""
    return apply_stock_modules


def vectors(encoder, spec, texts):
    batches = encoder.extract(texts, [spec])
    return np.concatenate([batch.vectors[spec] for batch in batches])


def fitted_readout(encoder, spec, texts):
    readout = poolwise.parse(spec)
    steps = encoder.fit(texts, readout) if readout.needs_fit else stateless(readout)
    return readout, steps, steps.apply(vectors(encoder, str(readout.pooled), texts))


def apply_stock_modules(folder, tokens, mask):
    from sentence_transformers.sentence_transformer import modules as stock_modules

    features = {"token_embeddings": torch.tensor(tokens), "attention_mask": torch.tensor(mask)}
    listed = json.loads((folder / "modules.json").read_text())
    for module in listed[1:]:
        kind = getattr(stock_modules, module["type"].rpartition(".")[2])
        features = kind.load(str(folder), subfolder=module["path"])(features)
    return features["sentence_embedding"].detach().numpy()
