"""What attention knows of positions: relative biases, rotary tables and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.records import Floats, Ints

MPNET_BUCKETS = 32
MPNET_MAX_DISTANCE = 128
"""Hard-coded in transformers, whatever a config says: it reads the first 32 rows of the bias, and
tokens farther away all share the last bucket."""


@dataclass(frozen=True, eq=False)
class AttentionPositions:
    """What the attention of an encoder's blocks knows of positions besides the embeddings'.

    ``relative`` is a bias by distance, float32 [heads, 2 * positions - 1]; ``rotary`` are tables as
    ``rotary_table`` gives them. ``windows`` has for each block the distance in tokens up to which
    it attends, ``tables`` its index in ``rotary``; None, or an empty sequence, is none. ``scale``
    is that of the scores, None for 1 / sqrt(width of a head). ``disentangled`` has the others.
    """

    relative: Floats | None = None
    rotary: Sequence[Floats] = ()
    windows: Sequence[int | None] = ()
    tables: Sequence[int | None] = ()
    scale: float | None = None
    distance_rows: Ints | None = None
    relative_keys: Sequence[Floats] = ()
    relative_queries: Sequence[Floats] = ()

    def of_block(self, number: int) -> tuple[int | None, int | None, Floats | None, Floats | None]:
        """The window and the table of the block at this index, its relative keys and queries."""
        window = self.windows[number] if self.windows else None
        table = self.tables[number] if self.tables else None
        keys = self.relative_keys[number] if self.relative_keys else None
        return window, table, keys, self.relative_queries[number] if self.relative_queries else None


def modernbert_positions(encoder: Encoder) -> AttentionPositions:
    """Rotary positions with a theta for each type of block, of which one has a window.

    ``local_attention`` counts the tokens on both sides; those at half of it are still seen.
    """
    config = encoder.config
    types, parameters = config["layer_types"], config["rope_parameters"]
    thetas = list(dict.fromkeys(parameters[kind]["rope_theta"] for kind in types))
    head_width = encoder.width // config["num_attention_heads"]
    window = config["local_attention"] // 2
    return AttentionPositions(
        rotary=[rotary_table(theta, config.positions, head_width) for theta in thetas],
        windows=[window if kind == "sliding_attention" else None for kind in types],
        tables=[thetas.index(parameters[kind]["rope_theta"]) for kind in types],
    )


def nomic_bert_positions(encoder: Encoder) -> AttentionPositions:
    """The same rotary positions in every block."""
    config = encoder.config
    head_width = encoder.width // config["num_attention_heads"]
    theta = config["rope_parameters"]["rope_theta"]
    return AttentionPositions(
        rotary=[rotary_table(theta, config.positions, head_width)], tables=[0] * encoder.depth
    )


def rotary_table(theta: float, positions: int, head_width: int) -> Floats:
    """Cosine and sine of the angles p / theta^(2i / head_width) (Su et al. 2021, section 3.2.2),
    float32 [positions, 2, head_width / 2].

    Frequencies and angles are rounded to float32, as transformers has them: of a far position's
    angle that rounding is what counts.
    """
    exponents = np.arange(0, head_width, 2, dtype=np.float32) / np.float32(head_width)
    powers = np.float64(np.float32(theta)) ** exponents.astype(np.float64)
    frequencies = np.float32(1) / powers.astype(np.float32)
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies
    table: Floats = np.empty((positions, 2, head_width // 2), np.float32)
    table[:, 0] = np.cos(angles, dtype=np.float64)
    table[:, 1] = np.sin(angles, dtype=np.float64)
    return table


def mpnet_positions(encoder: Encoder) -> AttentionPositions:
    """A bias by distance, the same in every block."""
    buckets = encoder.tensors["encoder.relative_attention_bias.weight"]
    table = np.ascontiguousarray(relative_bias(buckets, encoder.config.positions))
    return AttentionPositions(relative=table)


def relative_bias(buckets: Floats, longest: int) -> Floats:
    """MPNet's attention bias by distance (key minus query), float32 [heads, 2 * longest - 1].

    ``buckets`` is float32 [32 or more, heads], of which 32 rows are used: half for keys before the
    query, half for keys after it; in each half one for every small distance, then logarithmically
    wider ones, as T5's (Raffel et al. 2020, section 2.1). In float32, as transformers computes the
    boundaries.
    """
    half = MPNET_BUCKETS // 2
    exact = half // 2
    distance = np.arange(1 - longest, longest)
    away = np.abs(distance)
    # In float32 and step by step, so that no distance falls on the other side of a boundary.
    far = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(exact), dtype=np.float32)
    span = np.float32(np.log(MPNET_MAX_DISTANCE / exact))
    wider = exact + (far / span * np.float32(half - exact)).astype(np.int64)
    bucket = np.where(away < exact, away, np.minimum(wider, half - 1))
    table: Floats = buckets[bucket + half * (distance > 0)].T
    return table
