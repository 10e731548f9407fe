"""The core's bricks in any combination, beside the formulas in NumPy's float64: norms before and
after a sublayer, LayerNorm and RMSNorm, gates, rotary positions, windows, grouped heads, biases or
none, blocks that share weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from poolwise.engines.native_engine import has_precision, levels
from poolwise.engines.native_weights.positions import rotary_table

pytestmark = pytest.mark.skipif(not levels(), reason="the native engine does not run here")

VOCABULARY, POSITIONS, EPSILON = 11, 90, 1e-5
ACTIVATIONS = {
    "gelu": lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
}
NORMS = ("attention_input_norm", "attention_norm", "feed_forward_input_norm", "output_norm")


class Arguments(dict):
    """Of a core encoder; printed without the arrays."""

    def __repr__(self):
        return repr({name: x for name, x in self.items() if isinstance(x, int | float | str)})


@st.composite
def encoders(draw):
    """The arguments of a core encoder."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = lambda *shape: noise.normal(0, 0.3, shape).astype(np.float32)  # noqa: E731
    flag = lambda: draw(st.booleans())  # noqa: E731
    group, key_value_heads = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    heads, head_width = group * key_value_heads, 2 * draw(st.integers(1, 20))
    width, inner = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    normalization = draw(st.sampled_from(["layer", "rms"]))
    biased, gated, rotary, positioned = flag(), flag(), flag(), flag()

    def linear(outputs, inputs):
        """Keeps the size of its input, or float32 itself would be far from float64."""
        weight = array(outputs, inputs) / np.float32(0.3 * math.sqrt(inputs))
        return weight, array(outputs) if biased else None

    def gains():
        return 1 + array(width), array(width) if normalization == "layer" and flag() else None

    def block():
        layers = {
            "query": linear(heads * head_width, width),
            "key": linear(key_value_heads * head_width, width),
            "value": linear(key_value_heads * head_width, width),
            "attention_output": linear(width, heads * head_width),
            "intermediate": linear(inner, width),
            **({"gate": linear(inner, width)} if gated else {}),
            "output": linear(width, inner),
        }
        norms = {role: gains() for role in NORMS if flag()}
        window = draw(st.sampled_from([None, 0, 1, 5, 33]))
        return layers, norms, window, draw(st.integers(0, 1)) if rotary else None, None, None

    blocks = [block() for _ in range(draw(st.integers(1, 2)))]
    tables = [rotary_table(theta, POSITIONS, head_width) for theta in (100.0, 10_000.0)]
    arguments = {
        "width": width,
        "heads": heads,
        "key_value_heads": key_value_heads,
        "head_width": head_width,
        "inner": inner,
        "epsilon": EPSILON,
        "attention_scale": draw(st.sampled_from([0.1, 0.4])),
        "activation": draw(st.sampled_from(list(ACTIVATIONS))),
        "normalization": normalization,
        "words": array(VOCABULARY, width),
        "positions": array(POSITIONS, width) if positioned or not rotary else None,
        "type": array(width) if flag() else None,
        "norm": gains() if flag() else None,
        "projection": None,
        "projected_norm": None,
        "rotary": tables if rotary else [],
        "blocks": blocks,
        "order": draw(st.lists(st.integers(0, len(blocks) - 1), max_size=3)),
        "final_norm": gains() if flag() else None,
        "pooler": None,
        "relative": None,
        "distance_rows": None,
    }
    return Arguments(arguments)


def reference(encoder, ids):
    """Every hidden state, float64 [layers, tokens, width]."""
    x = encoder["words"][ids].astype(np.float64)
    for table in ("positions", "type"):
        rows = encoder[table]
        if rows is not None:
            x = x + (rows[: len(ids)] if table == "positions" else rows)
    x = normalized(encoder, encoder["norm"], x)
    states = [x]
    for index in encoder["order"]:
        layers, norms, window, table, *_ = encoder["blocks"][index]
        norm = lambda role, x, norms=norms: normalized(encoder, norms.get(role), x)  # noqa: E731
        attended = attention(encoder, layers, norm("attention_input_norm", x), window, table)
        x = norm("attention_norm", x + attended)
        x = norm("output_norm", x + feed_forward(encoder, layers, norm(NORMS[2], x)))
        states.append(x)
    if encoder["order"]:
        states[-1] = normalized(encoder, encoder["final_norm"], states[-1])
    return np.array(states)


def affine(pair, x):
    weight, bias = pair
    return x @ weight.T.astype(np.float64) + (0 if bias is None else bias)


def normalized(encoder, gains, x):
    if gains is None:
        return x
    gain, bias = gains
    if encoder["normalization"] == "layer":
        x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * gain
    return x if bias is None else x + bias


def attention(encoder, layers, x, window, table):
    """softmax(scale q k') v, each key and value head serving a group of queries'."""
    tokens = len(x)
    q, k, v = (
        affine(layers[role], x).reshape(tokens, -1, encoder["head_width"])
        for role in ("query", "key", "value")
    )
    if table is not None:
        q, k = (rotated(heads, encoder["rotary"][table]) for heads in (q, k))
    k, v = (np.repeat(heads, q.shape[1] // k.shape[1], axis=1) for heads in (k, v))
    scores = np.einsum("qhd,khd->hqk", q, k) * encoder["attention_scale"]
    places = np.arange(tokens)
    if window is not None:
        scores[:, np.abs(places[:, None] - places) > window] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    context = np.einsum("hqk,khd->qhd", weights / weights.sum(-1, keepdims=True), v)
    return affine(layers["attention_output"], context.reshape(tokens, -1))


def rotated(heads, table):
    """The complex product of each pair of components and e^(i angle)."""
    a, b = np.split(heads, 2, axis=-1)
    cosine, sine = (table[: len(heads), part][:, None].astype(np.float64) for part in (0, 1))
    return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)


def feed_forward(encoder, layers, x):
    inner = ACTIVATIONS[encoder["activation"]](affine(layers["intermediate"], x))
    if "gate" in layers:
        inner = inner * affine(layers["gate"], x)
    return affine(layers["output"], inner)


def run(core, texts, depth, *, first_rows=False, threads=1):
    """Each text's first row of the last hidden state; and, unless they are all that is computed of
    it, every hidden state of the packed texts."""
    ids, offsets = np.concatenate(texts), np.cumsum([0, *map(len, texts)]).astype(np.int32)
    weights = np.zeros((1, len(ids)), np.float32)
    weights[0, offsets[:-1]] = 1
    return core.run(
        ids=ids.astype(np.int32),
        positions=np.concatenate([np.arange(len(text), dtype=np.int32) for text in texts]),
        offsets=offsets,
        deepest=depth,
        rows=offsets[:-1].copy() if first_rows else None,
        weights=weights,
        linear=[(depth, 0)],
        maxima=[],
        pooler=False,
        hidden_states=[] if first_rows else list(range(depth + 1)),
        threads=threads,
    )


@settings(max_examples=60, deadline=None)
@given(
    encoders(),
    st.lists(st.integers(1, POSITIONS), min_size=1, max_size=3),
    st.sampled_from(levels() or ["none"]),
)
def test_bricks_in_any_combination(encoder, lengths, level):
    from poolwise import _native

    noise = np.random.default_rng(1)
    texts = [noise.integers(0, VOCABULARY, length) for length in lengths]
    core = _native.Encoder(level=level, precision="exact", **encoder)
    depth = len(encoder["order"])
    _, states = run(core, texts, depth)
    first_rows, _ = run(core, texts, depth, first_rows=True)
    start = 0
    for text, first in zip(texts, first_rows[0], strict=True):
        found, expected = states[:, start : start + len(text)], reference(encoder, text)
        size = 1 + np.abs(expected).max()
        np.testing.assert_allclose(found / size, expected / size, atol=1e-5, rtol=0)
        np.testing.assert_array_equal(first, states[-1, start])
        start += len(text)


@settings(max_examples=20, deadline=None)
@given(encoders(), st.sampled_from(["exact", "fast", "near"]), st.integers(2, 3))
def test_bricks_have_the_same_bits_in_any_batch(encoder, precision, threads):
    from poolwise import _native

    level = levels()[0]
    if not has_precision(level, precision):
        precision = "exact"
    noise = np.random.default_rng(1)
    texts = [noise.integers(0, VOCABULARY, length) for length in (3, 90, 1, 40)]
    core = _native.Encoder(level=level, precision=precision, **encoder)
    depth = len(encoder["order"])
    among = run(core, texts, depth, threads=threads)[1]
    alone = [run(core, [text], depth)[1] for text in texts]
    np.testing.assert_array_equal(among, np.concatenate(alone, axis=1))
