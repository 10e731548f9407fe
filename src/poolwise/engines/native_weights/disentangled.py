"""DeBERTa's relative positions: the row of each distance, and its projected keys and queries."""

from __future__ import annotations

from math import sqrt

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.tensor_tables import relative_span
from poolwise.engines.native_weights.modules import Affine, affine
from poolwise.engines.native_weights.positions import AttentionPositions
from poolwise.records import Floats, Ints

_BLOCK = "encoder.layer.{}.attention.self"
_TERMS = {"c2p": ("key_proj", "pos_key_proj"), "p2c": ("query_proj", "pos_query_proj")}
"""By term, the layer that projects the embeddings of distances: the content's, or one for them."""


def deberta_positions(encoder: Encoder) -> AttentionPositions:
    """Scores of a query with the key of their distance, and of a key with its query (He et al.
    2021, section 3.1); in the reverse order of transformers' rows, which rises with the key."""
    config, terms = encoder.config, encoder.config["pos_att_type"]
    head_width = encoder.width // config["num_attention_heads"]
    scale = 1 / sqrt(head_width * (1 + len({*terms})))
    if not config["relative_attention"]:
        positions = config.positions
        return AttentionPositions(scale=scale, distance_rows=np.zeros(2 * positions - 1, np.int32))
    span = relative_span(config.values)
    rows = distance_rows(config.positions, span, config["position_buckets"], _farthest(encoder))
    embeddings = _relative_embeddings(encoder)[: 2 * span][::-1][: rows[-1] + 1]
    return AttentionPositions(
        scale=scale,
        distance_rows=rows,
        relative_keys=_projected(encoder, embeddings, "c2p") if "c2p" in terms else (),
        relative_queries=_projected(encoder, embeddings, "p2c") if "p2c" in terms else (),
    )


def distance_rows(positions: int, span: int, buckets: int, farthest: int) -> Ints:
    """The row of each distance (key minus query), int32 [2 * positions - 1], never falling.

    Near distances have a row each, farther ones share buckets that widen logarithmically, in
    float32 as transformers' ``make_log_bucket_position``; without buckets, those beyond ``span``
    share the last row.
    """
    distance = np.arange(1 - positions, positions)
    if buckets > 0:
        middle = buckets // 2
        away = np.where(np.abs(distance) < middle, middle - 1, np.abs(distance))
        share = np.log(away.astype(np.float32) / np.float32(middle), dtype=np.float32)
        share /= np.log(np.float32((farthest - 1) / middle))
        wide = np.ceil(share * np.float32(middle - 1)) + middle
        distance = np.where(away <= middle, distance, wide * np.sign(distance))
    last = 2 * span - 1
    # transformers' index counts from the query's side: span + query - key.
    rows: Ints = (last - np.clip(span - distance, 0, last)).astype(np.int32)
    return rows


def _farthest(encoder: Encoder) -> int:
    farthest = encoder.config["max_relative_positions"]
    return int(farthest if farthest > 0 else encoder.config["max_position_embeddings"])


def _relative_embeddings(encoder: Encoder) -> Floats:
    """The embeddings of distances, normalised where the config asks for it, float32 [rows, d]."""
    embeddings: Floats = encoder.tensors["encoder.rel_embeddings.weight"]
    if encoder.config["norm_rel_ebd"] != "layer_norm":
        return embeddings
    gain, bias = (encoder.tensors[f"encoder.LayerNorm.{name}"] for name in ("weight", "bias"))
    centred = embeddings.astype(np.float64)
    centred -= centred.mean(1, keepdims=True)
    variance = np.mean(centred**2, axis=1, keepdims=True) + encoder.config["layer_norm_eps"]
    normed: Floats = (centred / np.sqrt(variance) * gain + bias).astype(np.float32)
    return normed


def _projected(encoder: Encoder, embeddings: Floats, term: str) -> list[Floats]:
    """The embeddings of distances as every block's keys or queries, float32 [heads, rows, d]."""
    module = _TERMS[term][not encoder.config["share_att_key"]]
    heads = encoder.config["num_attention_heads"]
    layers = [affine(encoder, f"{_BLOCK.format(n)}.{module}") for n in range(encoder.depth)]
    return [_by_head(embeddings, layer, heads) for layer in layers]


def _by_head(embeddings: Floats, layer: Affine, heads: int) -> Floats:
    weight, bias = layer
    projected = embeddings @ weight.T
    if bias is not None:
        projected += bias
    by_head = projected.reshape(len(embeddings), heads, -1).transpose(1, 0, 2)
    return np.ascontiguousarray(by_head)
