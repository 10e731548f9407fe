"""Candidates of a selection: readouts, each of an encoder, with the vectors it was scored by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poolwise.readouts import Readout, parse
from poolwise.selection.grid import canonical_key, with_l2, without_l2
from poolwise.selection.vector_cache import VectorCache

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """A readout of ``encoder``; ``cache`` has the vectors of its pool and layers."""

    encoder: Encoder
    readout: Readout
    cache: VectorCache

    @property
    def blocks(self) -> int:
        """Blocks of the encoder that must run."""
        return max(self.readout.layer_indices(self.encoder.depth))

    @property
    def cost(self) -> float:
        """Share of the encoder's blocks that must run, 0 … 1."""
        return self.blocks / max(self.encoder.depth, 1)

    def bytes_of(self, dimensions: int) -> int:
        """Bytes of a vector of so many dimensions: float32, or one each after ``int8`` and
        ``binary``."""
        steps = self.readout.steps
        return dimensions if steps and steps[-1].facts.final else 4 * dimensions

    @property
    def work(self) -> int:
        """What comparisons between encoders go by: blocks times the square of their width, which
        the multiplications for a token are about proportional to."""
        return self.blocks * self.encoder.width**2


def candidates_of(
    encoder: Encoder, readouts: Sequence[Readout], cache: VectorCache
) -> list[Candidate]:
    """The readouts of one encoder as candidates."""
    return [Candidate(encoder, readout, cache) for readout in readouts]


def encoders_of(candidates: Sequence[Candidate]) -> list[Encoder]:
    """The encoders that the candidates are of, each once, in order."""
    return list({id(c.encoder): c.encoder for c in candidates}.values())


def find(candidates: Sequence[Candidate], readout: str | Readout, encoder: Encoder) -> int | None:
    """The index of this readout of the encoder, however its layers are written; None if it is no
    candidate."""
    key = canonical_key(_parsed(readout), encoder)
    return next(
        (
            i
            for i, candidate in enumerate(candidates)
            if candidate.encoder is encoder and canonical_key(candidate.readout, encoder) == key
        ),
        None,
    )


def find_up_to_l2(
    candidates: Sequence[Candidate], readout: str | Readout, encoder: Encoder
) -> int | None:
    """The index of this readout, or else of the same with or without a last ``l2``."""
    exact = _parsed(readout)
    for same in (exact, with_l2(exact), without_l2(exact)):
        if (index := find(candidates, same, encoder)) is not None:
            return index
    return None


def short_names(names: Sequence[str]) -> list[str]:
    """Each model's name without its owner, where no other then has the same; of equal names the
    second and later are numbered."""
    last = [name.rsplit("/", 1)[-1] or name for name in names]
    counts = Counter(last)
    chosen = [s if counts[s] == 1 else name for s, name in zip(last, names, strict=True)]
    seen: Counter[str] = Counter()
    unique = []
    for name in chosen:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _parsed(readout: str | Readout) -> Readout:
    return parse(readout) if isinstance(readout, str) else readout
