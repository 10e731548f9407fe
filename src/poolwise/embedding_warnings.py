"""What ``Model.embed`` warns of: rows that are not what they seem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.encoders import Encoder
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.readouts import Readout
from poolwise.records import VectorBatch


def embedding_warnings(
    encoder: Encoder, batches: Sequence[VectorBatch], readout: Readout
) -> Iterator[str]:
    """A sentence for each: declared layers that ``readout`` leaves out, truncated texts, vectors
    that are not finite, unknown tokens."""
    if note := encoder.omission_note(readout):
        yield note
    if truncated := sum(int(batch.truncated.sum()) for batch in batches):
        yield (
            f"{truncated} of {sum(map(len, batches))} texts were cut to {encoder.max_length} "
            'tokens; long="window" reads all of them'
        )
    if nonfinite := sum(int(batch.nonfinite.sum()) for batch in batches):
        yield f"{nonfinite} vectors are not finite"
    unknown = UnknownTokens(encoder.tokenizer)
    for batch in batches:
        unknown.add(batch.tokens)
    yield from unknown.notes()
