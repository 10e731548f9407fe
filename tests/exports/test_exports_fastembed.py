"""ONNX exports in fastembed, which needs huggingface-hub below 2: not among the packages of CI.

By hand, in an environment that has poolwise: ``pip install fastembed``, then run this file.
"""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.exports import export

fastembed = pytest.importorskip("fastembed")

TEXTS = ["the cat sat [SEP] on a mat", "a dog", "", "they ran over the old hill to the sea " * 9]


def read(folder, width, **options):
    """What fastembed makes of ``TEXTS`` with the graph in ``folder``."""
    from fastembed.common.model_description import ModelSource

    name = f"of/{folder.name}-{len(fastembed.TextEmbedding.list_supported_models())}"
    fastembed.TextEmbedding.add_custom_model(
        model=name, dim=width, sources=ModelSource(hf=name), model_file="onnx/model.onnx", **options
    )
    model = fastembed.TextEmbedding(name, specific_model_path=str(folder))
    return np.array(list(model.embed(TEXTS, batch_size=3)))


@pytest.mark.parametrize(
    ("family", "spec", "pooling", "normalization"),
    [
        ("bert", "mean@concat(1,-1)|truncate(40)|l2", "MEAN", True),
        ("roberta", "pooler", "CLS", False),
        ("mpnet", "sep@avg(1,2)|truncate(3)|l2", "LAST_TOKEN", False),
        ("bert", "meanmax@2", None, False),
    ],
)
def test_vectors_and_what_it_pools_of_token_vectors(
    tiny, tmp_path, family, spec, pooling, normalization
):
    from fastembed.common.model_description import PoolingType

    encoder = poolwise.load(tiny(family))
    width = export(encoder, spec, tmp_path / "out", format="onnx").width
    ours = np.concatenate([batch.vectors[spec] for batch in encoder.extract(TEXTS, [spec])])
    close = 1e-5 * np.nanmax(np.abs(ours))
    whole = {
        "pooling": PoolingType.DISABLED,
        "normalization": False,
        "output_name": "sentence_embedding",
    }
    np.testing.assert_allclose(read(tmp_path / "out", width, **whole), ours, atol=close)
    if pooling is None:
        with pytest.raises(ValueError, match="dimensions"):
            read(tmp_path / "out", width, pooling=PoolingType.MEAN, normalization=False)
        return
    pooled = {"pooling": PoolingType[pooling], "normalization": normalization}
    np.testing.assert_allclose(read(tmp_path / "out", width, **pooled), ours, atol=close)
