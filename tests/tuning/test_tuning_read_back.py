"""A checkpoint that training has written predicts, without torch, what the module did."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import poolwise
from poolwise.classifier.classifier import load_classifier
from poolwise.classifier.output_space import OutputSpace
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.classifier_module import ReadoutClassifier, collate
from poolwise.tuning.trainable_readout import parse_trainable

TEXTS = ["the cat sat on the mat", "", "a dog", "tree " * 100, "a dog"]


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("spec", ["pooler", "cls@-2", "mean@mix", "attention@1", "token[4]@-1"])
def test_what_was_trained_predicts_the_same(tiny, tmp_path, spec, kind):
    model = poolwise.load(tiny("bert"), max_length=20)
    output_space = OutputSpace(kind, () if kind == "regression" else ("x", "y"))
    module = ReadoutClassifier(model, parse_trainable(spec, model.depth), output_space, seed=1)
    torch.manual_seed(0)
    with torch.inference_mode():
        for name, parameter in module.named_parameters():
            if name in module.head_parameters:
                parameter.normal_(0.0, 0.5)
        tokens = [text.windows[0] for text in model.tokenize(TEXTS)]
        expected = module(**collate(tokens, None, pad=0)).logits.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        write_checkpoint(module, model, tmp_path / "made", provenance={})
    classifier = load_classifier(tmp_path / "made")
    assert classifier.output_space == output_space
    assert classifier.model.max_length == 20
    np.testing.assert_allclose(classifier.outputs(TEXTS), expected, atol=1e-5)
