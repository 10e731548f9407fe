"""An encoder with its engine: what ``poolwise.load`` gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from poolwise import __version__, encoders, transforms
from poolwise.encoders import Encoder
from poolwise.engines import Engine, open_engine
from poolwise.errors import PoolwiseWarning, ReadoutError
from poolwise.extraction import extract
from poolwise.inside import look_inside
from poolwise.readouts import Readout, parse
from poolwise.records import Inside, LongTexts, Precision, Sentence, VectorBatch
from poolwise.transforms import Transform


def load(name: str | Path, *, max_length: int | None = None, revision: str | None = None) -> Model:
    """Load an encoder: a local folder, a Hugging Face hub id, or ``"demo"``.

    ``max_length`` (tokens, special ones included) overrides the folder's own. Raises EncoderError
    when the model cannot be found, read or trusted.
    """
    encoder = encoders.load(name, max_length=max_length, revision=revision)
    return Model(**{f.name: getattr(encoder, f.name) for f in fields(Encoder)})


class Model(Encoder):
    """An encoder that embeds."""

    def __repr__(self) -> str:
        return f"<Model {self.name}: {self.family.name}, {self.depth} blocks of {self.width}>"

    @property
    def engine(self) -> Engine:
        """What computes exact vectors."""
        return self.engine_for("exact")

    def engine_for(self, precision: Precision) -> Engine:
        """What computes vectors of this precision; made at first use.

        Its ``precision`` is ``exact`` where this machine or family has no other.
        """
        if precision not in self._engines:
            self._engines[precision] = open_engine(self, precision)
        return self._engines[precision]

    @cached_property
    def _engines(self) -> dict[Precision, Engine]:
        return {}

    def extract(
        self,
        texts: Iterable[str | Sentence],
        readouts: Iterable[str | Readout],
        *,
        precision: Precision = "exact",
        **options: Any,
    ) -> Iterator[VectorBatch]:
        """``poolwise.extraction.extract`` with this model's engine."""
        return extract(self, texts, readouts, engine=self.engine_for(precision), **options)

    def inside(
        self,
        texts: Sequence[str],
        *,
        layers: Sequence[int] | None = None,
        attentions: bool = False,
        precision: Precision = "exact",
        **options: Any,
    ) -> Iterator[Inside]:
        """``poolwise.inside.look_inside`` with this model's engine, or one that has attentions."""
        engine = self._attending if attentions else self.engine_for(precision)
        return look_inside(
            self, texts, engine=engine, layers=layers, attentions=attentions, **options
        )

    @cached_property
    def _attending(self) -> Engine:
        return self.engine if self.engine.attends else open_engine(self, attentions=True)

    def made(self, precision: Precision = "exact") -> dict[str, str]:
        """How this model's vectors come about; every output carries it."""
        engine = self.engine_for(precision)
        return {
            "poolwise": __version__,
            "model": self.name,
            "model_hash": self.hash,
            "engine": engine.name,
            "precision": engine.precision,
        }

    def fit(
        self,
        readout: str | Readout,
        texts: Iterable[str | Sentence],
        *,
        precision: Precision = "exact",
        progress: bool = False,
    ) -> Transform:
        """Fit the readout's steps (``whiten(256)``, ``standardize``, …) on these texts' vectors.

        Holds all of their vectors at once: some ten thousand texts are plenty.
        """
        asked = self.asked(readout)
        spec = str(asked.pooled)
        batches = self.extract(texts, [spec], precision=precision, progress=progress)
        vectors = [batch.vectors[spec] for batch in batches]
        return transforms.fit(asked, np.concatenate(vectors) if vectors else self._no_rows(spec))

    def embed(
        self,
        texts: str | Iterable[str],
        readout: str | Readout | None = None,
        *,
        precision: Precision = "exact",
        fit: Iterable[str | Sentence] | None = None,
        long: LongTexts = "truncate",
        progress: bool = False,
    ) -> NDArray[Any]:
        """Vectors [n, width], float32 (int8 after ``int8`` or ``binary``); [width] for one string.

        Without ``readout``, what the model's own folder declares. ``precision`` is ``exact``
        (float32), ``near`` (fp16 arithmetic) or ``fast`` (integers); see ``engines.open_engine``.
        ``fit`` gives the texts on which the readout's steps are fitted, where it has such. Texts
        that were truncated, and rows that hold no finite vector, are counted in a
        PoolwiseWarning; ``extract`` marks them by row.
        """
        asked = self.asked(readout)
        spec = str(asked)
        fitted = {spec: self.fit(asked, fit, precision=precision)} if fit is not None else None
        many = [texts] if isinstance(texts, str) else texts
        options: dict[str, Any] = {"transforms": fitted, "long": long, "progress": progress}
        seen = list(self.extract(many, [asked], precision=precision, **options))
        self._warn(seen)
        rows = [batch.vectors[spec] for batch in seen]
        vectors = np.concatenate(rows) if rows else self._no_rows(spec)
        return vectors[0] if isinstance(texts, str) else vectors

    def asked(self, readout: str | Readout | None) -> Readout:
        """The readout meant: None is what the folder declares. Raises ReadoutError."""
        if isinstance(readout, Readout):
            return readout
        if readout is not None:
            return parse(readout)
        if self.declared is None:
            raise ReadoutError(
                f"{self.name} declares no pooling of its own; name a readout, for instance mean@-1"
            )
        return self.declared

    def _no_rows(self, spec: str) -> NDArray[Any]:
        return np.zeros((0, parse(spec).width(self.width, self.depth)), np.float32)

    def _warn(self, seen: Sequence[VectorBatch]) -> None:
        truncated = sum(int(b.truncated.sum()) for b in seen)
        nonfinite = sum(int(b.nonfinite.sum()) for b in seen)
        if truncated:
            warn(
                f"{truncated} of {sum(map(len, seen))} texts were cut to {self.max_length} tokens; "
                'long="window" reads all of them',
                PoolwiseWarning,
                stacklevel=3,
            )
        if nonfinite:
            warn(f"{nonfinite} vectors are not finite", PoolwiseWarning, stacklevel=3)
