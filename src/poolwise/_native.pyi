"""The native engine's core; see src/native/module.cpp. Absent where it could not be built."""

from collections.abc import Sequence

from poolwise.records import Floats, Ints

_Linear = tuple[Floats, Floats]
_Gains = tuple[Floats, Floats]

def levels() -> list[str]: ...
def has_half(level: str) -> bool: ...

class Encoder:
    def __init__(
        self,
        level: str,
        precision: str,
        width: int,
        heads: int,
        inner: int,
        epsilon: float,
        activation: str,
    ) -> None: ...
    def set_embeddings(
        self,
        words: Floats,
        positions: Floats,
        type: Floats | None,  # noqa: A002 - the encoder's own word
        norm: _Gains,
        projection: _Linear | None,
    ) -> None: ...
    def add_block(
        self,
        query: _Linear,
        key: _Linear,
        value: _Linear,
        attention_output: _Linear,
        attention_norm: _Gains,
        intermediate: _Linear,
        output: _Linear,
        output_norm: _Gains,
    ) -> None: ...
    def set_pooler(self, pooler: _Linear) -> None: ...
    def set_relative(self, table: Floats) -> None: ...
    def run(
        self,
        ids: Ints,
        positions: Ints,
        offsets: Ints,
        deepest: int,
        rows: Ints | None,
        weights: Floats,
        linear: Sequence[tuple[int, int]],
        maxima: Sequence[tuple[int, Sequence[tuple[int, float]]]],
        pooler: bool,
        threads: int,
    ) -> Floats: ...
