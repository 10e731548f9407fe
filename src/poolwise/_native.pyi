"""The native engine's core; see src/native/module.cpp. Absent where it could not be built."""

from collections.abc import Mapping, Sequence

from poolwise.records import Floats, Ints

_Linear = tuple[Floats, Floats | None]
_Gains = tuple[Floats, Floats | None]
_Block = tuple[
    Mapping[str, _Linear],
    Mapping[str, _Gains],
    int | None,
    int | None,
    Floats | None,
    Floats | None,
]

def levels() -> list[str]: ...
def has_precision(level: str, precision: str) -> bool: ...

class Encoder:
    """An immutable encoder with repacked weights, which several threads may run at the same time.

    ``words``, ``positions`` and ``type`` are referenced, all other arrays are copied. A block is
    its linear layers and its norms by role, its window, the index of its rotary table, and its keys
    and queries of relative positions [heads, rows, head_width], whose rows ``distance_rows`` names;
    block ``order[k]`` makes hidden state k + 1. ``rotary`` are tables [positions, 2, head_width /
    2] of cosines and sines. Both methods raise ValueError for a wrong shape or value, TypeError for
    a wrong type or layout, and MemoryError.
    """

    def __init__(
        self,
        *,
        level: str,
        precision: str,
        width: int,
        heads: int,
        key_value_heads: int,
        head_width: int,
        inner: int,
        epsilon: float,
        attention_scale: float,
        activation: str,
        normalization: str,
        words: Floats,
        positions: Floats | None,
        type: Floats | None,  # noqa: A002 - the embeddings of token type 0
        norm: _Gains | None,
        projection: _Linear | None,
        projected_norm: _Gains | None,
        rotary: Sequence[Floats],
        blocks: Sequence[_Block],
        order: Sequence[int],
        final_norm: _Gains | None,
        pooler: _Linear | None,
        relative: Floats | None,
        distance_rows: Ints | None,
    ) -> None: ...
    def run(
        self,
        *,
        ids: Ints,
        positions: Ints,
        offsets: Ints,
        deepest: int,
        rows: Ints | None,
        weights: Floats,
        linear: Sequence[tuple[int, int]],
        maxima: Sequence[tuple[int, Sequence[tuple[int, float]]]],
        pooler: bool,
        hidden_states: Sequence[int],
        threads: int,
    ) -> tuple[Floats, Floats]:
        """Vectors, float32 [vectors, sequences, width], and the hidden states of these layers,
        float32 [layers, tokens, width]. The arrays are copied before they are checked."""
