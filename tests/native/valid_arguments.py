"""Valid arguments of the native module's encoders and their requests."""

from __future__ import annotations

import importlib.util

import numpy as np

SQUARE = ("query", "key", "value", "attention_output")
WIDTH, HEADS, INNER, DEPTH, VOCABULARY, POSITIONS, ROWS = 24, 3, 40, 2, 30, 16, 12
IDS = np.array([3, 9, 1, 0, 29, 4, 4, 8, 2], np.int32)
OFFSETS = np.array([0, 4, 5, 9], np.int32)


def module(path: str | None):
    if path is None:
        from poolwise import _native

        return _native
    spec = importlib.util.spec_from_file_location("_native", path)
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    return native


def encoder_arguments(noise: np.random.Generator, **options) -> dict:
    """Valid arguments of ``Encoder``, with those of ``options``: level, precision; and whether the
    encoder has the rarer tables, narrow and relative, is rotary, or has terms of relative
    positions."""
    array = lambda *shape: noise.normal(size=shape).astype(np.float32)  # noqa: E731
    linear = lambda outputs, inputs: (array(outputs, inputs), array(outputs))  # noqa: E731
    gains = lambda width: (array(width), array(width))  # noqa: E731
    narrow, relative = options.pop("narrow", False), options.pop("relative", False)
    if options.pop("rotary", False):
        return rotary_arguments(array, **options)
    embedding_width = 8 if narrow else WIDTH
    disentangled = options.pop("disentangled", False)
    terms = [array(HEADS, ROWS, WIDTH // HEADS) if disentangled else None for _ in range(2)]
    rows = np.clip(np.arange(2 * POSITIONS - 1) - 9, 0, ROWS - 1).astype(np.int32)
    layers = {role: linear(WIDTH, WIDTH) for role in SQUARE}
    layers |= {"intermediate": linear(INNER, WIDTH), "output": linear(WIDTH, INNER)}
    norms = {"attention_norm": gains(WIDTH), "output_norm": gains(WIDTH)}
    return {
        "width": WIDTH,
        "heads": HEADS,
        "key_value_heads": HEADS,
        "head_width": WIDTH // HEADS,
        "inner": INNER,
        "epsilon": 1e-5,
        "attention_scale": 0.3,
        "activation": "gelu",
        "normalization": "layer",
        "words": array(VOCABULARY, embedding_width),
        "positions": None if disentangled else array(POSITIONS, embedding_width),
        "type": array(embedding_width),
        "norm": None if disentangled else gains(embedding_width),
        "projection": linear(WIDTH, embedding_width) if narrow else None,
        "projected_norm": gains(WIDTH) if disentangled else None,
        "rotary": [],
        "blocks": [(layers, norms, None, None, *terms)] * DEPTH,
        "order": list(range(DEPTH)),
        "final_norm": None,
        "pooler": linear(WIDTH, WIDTH),
        "relative": array(HEADS, 2 * POSITIONS - 1) if relative else None,
        "distance_rows": rows if disentangled else None,
        **options,
    }


def rotary_arguments(array, **options) -> dict:
    """A pre-norm encoder with rotary positions, a window, gates, grouped heads and no bias, whose
    two blocks share their weights."""
    head_width, gains = 10, lambda: (array(WIDTH), None)
    layers = {
        "query": (array(HEADS * head_width, WIDTH), None),
        "key": (array(head_width, WIDTH), None),
        "value": (array(head_width, WIDTH), None),
        "attention_output": (array(WIDTH, HEADS * head_width), None),
        "intermediate": (array(INNER, WIDTH), None),
        "gate": (array(INNER, WIDTH), None),
        "output": (array(WIDTH, INNER), None),
    }
    norms = {"attention_input_norm": gains(), "feed_forward_input_norm": gains()}
    return {
        "width": WIDTH,
        "heads": HEADS,
        "key_value_heads": 1,
        "head_width": head_width,
        "inner": INNER,
        "epsilon": 1e-5,
        "attention_scale": 0.3,
        "activation": "silu",
        "normalization": "rms",
        "words": array(VOCABULARY, WIDTH),
        "positions": None,
        "type": None,
        "norm": None,
        "projection": None,
        "projected_norm": None,
        "rotary": [array(POSITIONS, 2, head_width // 2)],
        "blocks": [(layers, norms, 2, 0, None, None)],
        "order": [0] * DEPTH,
        "final_norm": gains(),
        "pooler": (array(WIDTH, WIDTH), None),
        "relative": None,
        "distance_rows": None,
        **options,
    }


def run_arguments(rows: bool) -> dict:
    weights = np.full((2, len(IDS)), 0.25, np.float32)
    if rows:  # each sequence's first token alone
        weights[0] = 0
        weights[0, OFFSETS[:-1]] = 1
    return {
        "ids": IDS.copy(),
        "positions": np.arange(len(IDS), dtype=np.int32),
        "offsets": OFFSETS.copy(),
        "deepest": DEPTH,
        "rows": OFFSETS[:-1].copy() if rows else None,
        "weights": weights,
        "linear": [(DEPTH, 0), (0, 1)],
        "maxima": [(1, [(0, 0.5), (1, 0.5)])],
        "pooler": True,
        "hidden_states": [0, DEPTH - 1] if rows else [1, DEPTH],
        "threads": 2,
    }


def equal(outputs, expected) -> bool:
    """Whether vectors and hidden states are equal, NaN to NaN."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, expected, strict=True))
