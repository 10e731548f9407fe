"""Is the native engine of this installation right? Needs no download: what cibuildwheel runs.

Writes a small random BERT, and embeds texts with every instruction set of this CPU: each must give
what the portable one gives, which every CPU runs.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers.implementations import BertWordPieceTokenizer

import poolwise
from poolwise.engines.native_engine import NativeEngine, levels
from poolwise.extraction import extract

WIDTH, INNER, BLOCKS, POSITIONS = 48, 96, 2, 64
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "cat", "dog", "sat", "ran", "on")
TEXTS = ["the cat sat on the dog", "a dog ran", "a dog ran on the cat", "dog"]
TOLERANCE = 1e-5


def main() -> None:
    """SystemExit where there is no engine, or one whose levels disagree."""
    print(poolwise.environment())
    if not levels():
        raise SystemExit("the native engine is missing")
    with tempfile.TemporaryDirectory() as folder:
        write_encoder(Path(folder))
        model = poolwise.load(folder)
    expected = vectors(model, "portable")
    if not np.isfinite(expected).all() or np.ptp(expected, axis=0).max() < 0.1:
        raise SystemExit(f"four texts have these vectors: {expected}")
    for level in levels():
        difference = np.abs(vectors(model, level) - expected).max()
        print(f"{level}: differs from portable by {difference:.1e}")
        if not difference < TOLERANCE:
            raise SystemExit(f"{level} is wrong")


def vectors(model: poolwise.Model, level: str) -> np.ndarray:
    """Of ``TEXTS``, by the kernels of a level."""
    engine = NativeEngine(model, level=level)
    return np.concatenate(
        [
            np.asarray(batch.vectors["mean@-1"])
            for batch in extract(model, TEXTS, ["mean@-1"], engine=engine)
        ]
    )


def write_encoder(folder: Path) -> None:
    """A BERT of random weights, as transformers would have saved it."""
    shape = {
        "hidden_size": WIDTH,
        "num_hidden_layers": BLOCKS,
        "num_attention_heads": 4,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(WORDS),
        "type_vocab_size": 2,
    }
    config = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, **shape}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    BertWordPieceTokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    noise = np.random.default_rng(0)
    save_file(
        {
            name: noise.normal(name.endswith("Norm.weight"), 0.3, shape).astype(np.float32)
            for name, shape in shapes().items()
        },
        folder / "model.safetensors",
    )


def shapes() -> dict[str, tuple[int, ...]]:
    """Of every weight and bias."""
    rows = {"word": len(WORDS), "position": POSITIONS, "token_type": 2}
    matrices = {f"embeddings.{name}_embeddings": (n, WIDTH) for name, n in rows.items()}
    tables = {f"{name}.weight": shape for name, shape in matrices.items()}
    norms = ["embeddings.LayerNorm"]
    linear = {"pooler.dense": (WIDTH, WIDTH)}
    for block in (f"encoder.layer.{number}" for number in range(BLOCKS)):
        norms += [f"{block}.attention.output.LayerNorm", f"{block}.output.LayerNorm"]
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            linear[f"{block}.attention.{name}"] = (WIDTH, WIDTH)
        linear[f"{block}.intermediate.dense"] = (INNER, WIDTH)
        linear[f"{block}.output.dense"] = (WIDTH, INNER)
    for name, shape in {**linear, **dict.fromkeys(norms, (WIDTH,))}.items():
        tables |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return tables


if __name__ == "__main__":
    main()
