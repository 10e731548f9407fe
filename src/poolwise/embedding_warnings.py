"""What ``Model.embed`` warns of: rows that are not what they seem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.encoders import Encoder
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.readouts import Readout
from poolwise.records import ROW_FLAGS, VectorBatch


def embedding_warnings(
    encoder: Encoder, batches: Sequence[VectorBatch], readout: Readout
) -> Iterator[str]:
    """A sentence for each: declared layers that ``readout`` leaves out, truncated texts, vectors
    that are not finite, unknown tokens."""
    if note := encoder.omission_note(readout):
        yield note
    for name, flag in ROW_FLAGS.items():
        count = sum(getattr(batch, name).tolist().count(True) for batch in batches)
        if flag.warning and count:
            rows = sum(map(len, batches))
            yield flag.warning.format(count=count, rows=rows, max_length=encoder.max_length)
    unknown = UnknownTokens(encoder.tokenizer)
    for batch in batches:
        unknown.add(batch.tokens)
    yield from unknown.notes()
