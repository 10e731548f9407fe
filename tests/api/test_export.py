"""poolwise.export of what a sweep chose."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise


def test_the_winner_loads_in_sentence_transformers(model, rows, result, tmp_path):
    package = pytest.importorskip("sentence_transformers", reason="pip install 'poolwise[export]'")
    poolwise.export(model, result.best, tmp_path / "export")
    loaded = package.SentenceTransformer(str(tmp_path / "export"), device="cpu")
    vectors = model.embed(rows[0][:8], result.best)
    np.testing.assert_allclose(loaded.encode(rows[0][:8]), vectors, atol=1e-5)
