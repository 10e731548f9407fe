"""An encoder with its engine: what ``poolwise.load`` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from poolwise import encoders, transforms
from poolwise.embedding_warnings import embedding_warnings
from poolwise.encoders import Encoder
from poolwise.encoders.location import FileStates, file_states
from poolwise.encoders.pickling import expect_hash
from poolwise.encoders.provenance import prompt_provenance, source_provenance
from poolwise.engines import Engine, engine_of
from poolwise.errors import PoolwiseWarning, ReadoutError
from poolwise.escaping import escape_control
from poolwise.extraction import Extraction, extract
from poolwise.inputs import flag
from poolwise.readouts import Readout
from poolwise.records import LongTexts, Precision, Sentence, TokenOutputs, VectorBatch
from poolwise.token_outputs import token_outputs
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import (
    SUFFIX,
    AnyReadout,
    FittedReadout,
    is_readout,
    prompted,
)

MAX_KEPT = 64
"""Prepared extractions that a model keeps."""


@lru_cache(maxsize=2)
def _read_again(
    name: str, folder: Path, max_length: int, prompt: str | None, pickled: str
) -> Model:
    """The model of a pickle without weights; cached, as workers unpickle it again and again."""
    loaded = Model.load(folder, max_length=max_length)
    expect_hash(loaded.name, loaded.hash, pickled, str(folder))
    model = replace(loaded, name=name, prompt=prompt)
    model.__dict__["_files"] = loaded._files
    return model


class Model(Encoder):
    """An encoder with its engines.

    A pickle of it has no engine: it names the model's folder, which is read again and must have the
    same hash; or it has the weights, where that folder has changed since or never had this model
    (rearranged, re-initialised, cut). Copies share weights and engines.
    """

    _files: FileStates | None = None  # of the folder, as they were when this model was read

    @classmethod
    def load(
        cls, name: str | Path, *, max_length: int | None = None, revision: str | None = None
    ) -> Self:
        """Load an encoder: a local folder, a Hugging Face hub id, or ``"demo"``.

        ``max_length`` (tokens, special ones included) overrides the folder's own. Raises
        EncoderError when the model cannot be found, read or trusted.
        """
        encoder = encoders.load(name, max_length=max_length, revision=revision)
        model = cls(**{f.name: getattr(encoder, f.name) for f in fields(Encoder)})
        model.__dict__["_files"] = file_states(model.folder)
        return model

    def __reduce__(self) -> tuple[Callable[..., Encoder], tuple[Any, ...]]:
        same_files = self._files is not None and self._files == file_states(self.folder)
        if not same_files or self.prompts.chosen:
            return super().__reduce__()
        return _read_again, (
            self.name,
            self.folder.absolute(),  # read from another working directory, perhaps
            self.max_length,
            self.prompt,
            self.hash,
        )

    def __repr__(self) -> str:
        name = escape_control(self.name)
        return f"<Model {name}: {self.family.name}, {self.depth} blocks of {self.width}>"

    @property
    def engine(self) -> Engine:
        """What computes exact vectors."""
        return self.engine_for("exact")

    def engine_for(self, precision: Precision) -> Engine:
        """What computes vectors of this precision; see ``engines.engine_of``.

        Its ``precision`` is ``exact`` where this machine or family has no other. Raises OptionError
        for what is no precision.
        """
        return engine_of(self, precision)

    def prompted(self, prompt: str | None = None, name: str | None = None) -> Self:
        """The same model with ``prompt`` in front of every text, or the folder's of this name.

        With neither, the model as it is; ``prompt=""`` is none. Weights and engines are shared.
        Raises EncoderError for a name that the folder does not have.
        """
        return super().prompted(prompt, name)

    def named(self, name: str) -> Self:
        """The same model under this name, which outputs carry."""
        return self._with(name=name)

    def _with(self, **changes: Any) -> Self:
        other = super()._with(**changes)
        other.__dict__["_files"] = self._files
        return other

    def extract(
        self,
        texts: str | Iterable[str | Sentence],
        readouts: AnyReadout | Iterable[AnyReadout],
        *,
        precision: Precision = "exact",
        **options: Any,
    ) -> Iterator[VectorBatch]:
        """Every readout of every text, in one pass: ``poolwise.extract`` with this model's engine.

        Batches come in the order of the texts; each readout's vectors are float32 [n, width].
        ``options`` and errors are those of ``extract``.
        """
        return extract(self, texts, readouts, engine=self.engine_for(precision), **options)

    def token_outputs(
        self,
        texts: str | Iterable[str | Sentence],
        *,
        layers: Sequence[int] | None = None,
        attentions: bool = False,
        precision: Precision = "exact",
        **options: Any,
    ) -> Iterator[TokenOutputs]:
        """Hidden states and attention maps of every token, by this model's engine.

        Texts of one length come together: hidden states float32 [layers, n, t, d] and, with
        ``attentions``, maps float32 [depth, n, heads, t, t], which are always exact. ``layers`` are
        all by default. See ``poolwise.token_outputs.token_outputs`` for ``options`` and errors.
        """
        attentions = flag("attentions", attentions)
        engine = engine_of(self, precision, attentions=attentions)
        return token_outputs(
            self, texts, engine=engine, layers=layers, attentions=attentions, **options
        )

    def provenance(self, precision: Precision = "exact") -> dict[str, str]:
        """Library version, model and its hash, engine, precision and prompt; in every output."""
        engine = self.engine_for(precision)
        computed = {"engine": engine.name, "precision": engine.precision}
        return source_provenance(self) | computed | prompt_provenance(self)

    def fit(
        self,
        texts: str | Iterable[str | Sentence],
        readout: AnyReadout,
        *,
        precision: Precision = "exact",
        progress: bool = False,
    ) -> Transform:
        """The readout's steps (``whiten(256)``, ``center``, …), fitted on vectors of ``texts``.

        All of their vectors are in memory at once: some ten thousand texts are plenty. Raises
        TextError, ReadoutError, OptionError.
        """
        chosen = self._resolve(readout, texts)
        pooled = chosen.readout.pooled
        encoder, spec = prompted(self, [chosen]), str(pooled)
        batches = encoder.extract(texts, [spec], precision=precision, progress=progress)
        empty = np.zeros((0, self.width_of(pooled)), np.float32)
        vectors = np.concatenate([empty, *(batch.vectors[spec] for batch in batches)])
        return transforms.fit(chosen.readout, vectors, self.dense_stack)

    def embed(
        self,
        texts: str | Iterable[str | Sentence],
        readout: AnyReadout | None = None,
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        precision: Precision = "exact",
        fit: str | Iterable[str | Sentence] | None = None,
        long: LongTexts = "truncate",
        progress: bool = False,
    ) -> NDArray[Any]:
        """Vectors [n, width], float32 (int8 after ``int8`` or ``binary``); [width] for one string.

        Without ``readout``, the one that the model's folder declares; it may be the path of a
        ``readout.toml``. ``prompt`` stands in front of every text, or the folder's of
        ``prompt_name``; without them, the readout's own, or the folder's default.
        ``precision`` is ``exact`` (float32), ``near`` (fp16 or int16) or ``fast`` (int8 or int16);
        see ``engines.open_engine``. The readout's steps are fitted on the texts of ``fit``.

        A PoolwiseWarning counts truncated texts and vectors that are not finite (``extract`` flags
        their rows), and says where the folder declares layers after pooling that ``readout`` leaves
        out. A Series, an array or a generator of texts is read in its own order; no texts give no
        rows, of the same width and type.

        Raises TextError for what are no texts, ReadoutError, OptionError.
        """
        extraction, whole = self._prepared(
            texts, readout, prompt, prompt_name, precision=precision, fit=fit, long=long
        )
        ((_, steps),) = extraction.steps.items()
        vectors = self._joined(extraction.run(texts, progress=progress), steps, whole)
        return vectors[0] if isinstance(texts, str) else vectors

    def pooled(self, texts: Iterable[str], readout: Readout, **options: Any) -> NDArray[Any]:
        """The vectors of ``readout`` before its steps, float32 [n, d], with ``embed``'s warnings.

        ``options`` are ``precision``, ``long`` and ``progress``.
        """
        whole = self.resolve_readout(readout).readout
        batches = self.extract(texts, [whole.pooled], **options)
        return self._joined(batches, transforms.stateless(whole.pooled), whole)

    def _prepared(
        self,
        texts: object,
        readout: AnyReadout | None,
        prompt: str | None,
        prompt_name: str | None,
        *,
        precision: Precision,
        fit: str | Iterable[str | Sentence] | None,
        long: LongTexts,
    ) -> tuple[Extraction, Readout]:
        """What runs for these arguments of ``embed``, with the readout.

        It is kept for callers with one text a call; what a file or a fit says is not.
        """
        key = readout, prompt, prompt_name, precision, long
        plain = fit is None and {str, NoneType}.issuperset(map(type, key))
        kept: dict[object, tuple[Extraction, Readout]] = self.__dict__.setdefault("_kept", {})
        if plain and key in kept:
            return kept[key]
        chosen = self._resolve(readout, texts)
        encoder = prompted(self, [chosen], prompt, prompt_name)
        if fit is not None:
            steps = encoder.fit(fit, chosen.readout, precision=precision)
            chosen = replace(chosen, transform=steps, provenance={"model_hash": self.hash})
        engine = self.engine_for(precision)
        prepared = Extraction.of(encoder, chosen, engine=engine, long=long), chosen.readout
        if plain and not str(readout).endswith(SUFFIX):
            if len(kept) >= MAX_KEPT:
                kept.clear()
            kept[key] = prepared
        return prepared

    def _joined(
        self, vector_batches: Iterable[VectorBatch], steps: Transform, whole: Readout
    ) -> NDArray[Any]:
        """Every row of the only readout; ``whole`` is the readout that warnings are about."""
        batches = list(vector_batches)
        for message in embedding_warnings(self, batches, whole):
            warn(message, PoolwiseWarning, stacklevel=3)
        rows = [vectors for batch in batches for vectors in batch.vectors.values()]
        if not rows:
            return steps.apply(np.zeros((0, self.width_of(whole.pooled)), np.float32))
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def resolve_readout(self, readout: AnyReadout | None) -> FittedReadout:
        """The readout in any of its forms; None is what the folder declares.

        Raises ReadoutError, or StoreError for a readout.toml that is none.
        """
        if readout is not None:
            return FittedReadout.of(readout)
        if self.declared is None:
            pooling = self.inexpressible and f"{self.inexpressible}, which no readout expresses"
            declared = f"{self.name} declares {pooling or 'no pooling of its own'}"
            raise ReadoutError(f"{declared}; name a readout, for instance mean@-1")
        return FittedReadout(self.declared)

    def _resolve(self, readout: AnyReadout | None, texts: object) -> FittedReadout:
        """As ``resolve_readout``; its error says where ``texts`` is the readout."""
        try:
            return self.resolve_readout(readout)
        except ReadoutError as error:
            if not is_readout(texts):
                raise
            message = f"found the readout {texts!s:.60} in place of the texts, which come first"
            raise ReadoutError(message) from error


load = Model.load
