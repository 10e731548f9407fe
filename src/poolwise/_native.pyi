"""The native engine's core; see src/native/module.cpp. Absent where it could not be built."""

from collections.abc import Sequence

from poolwise.records import Floats, Ints

_Linear = tuple[Floats, Floats]
_Gains = tuple[Floats, Floats]
_Block = tuple[_Linear, _Linear, _Linear, _Linear, _Gains, _Linear, _Linear, _Gains]

def levels() -> list[str]: ...
def has_half(level: str) -> bool: ...

class Encoder:
    """An immutable encoder with repacked weights, which several threads may run at the same time.

    ``words``, ``positions`` and ``type`` are referenced, all other arrays are copied. Both methods
    raise ValueError for a wrong shape or value, TypeError for a wrong type or layout, and
    MemoryError.
    """

    def __init__(
        self,
        *,
        level: str,
        precision: str,
        width: int,
        heads: int,
        inner: int,
        epsilon: float,
        activation: str,
        words: Floats,
        positions: Floats,
        type: Floats | None,  # noqa: A002 - the embeddings of token type 0
        norm: _Gains,
        projection: _Linear | None,
        blocks: Sequence[_Block],
        pooler: _Linear | None,
        relative: Floats | None,
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
