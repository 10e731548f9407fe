"""An encoder with its engine: what ``poolwise.load`` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from poolwise import encoders, transforms
from poolwise.encoders import Encoder
from poolwise.encoders.location import FileStates, file_states
from poolwise.encoders.pickling import expect_hash
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.engines import Engine, engine_of
from poolwise.errors import PoolwiseWarning, ReadoutError
from poolwise.escaping import escape_control
from poolwise.extraction import extract
from poolwise.inputs import flag
from poolwise.readouts import Readout
from poolwise.records import LongTexts, Precision, Sentence, TokenOutputs, VectorBatch
from poolwise.token_outputs import token_outputs
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import AnyReadout, FittedReadout, prompted
from poolwise.version import __version__


def load(name: str | Path, *, max_length: int | None = None, revision: str | None = None) -> Model:
    """Load an encoder: a local folder, a Hugging Face hub id, or ``"demo"``.

    ``max_length`` (tokens, special ones included) overrides the folder's own. Raises EncoderError
    when the model cannot be found, read or trusted.
    """
    encoder = encoders.load(name, max_length=max_length, revision=revision)
    model = Model(**{f.name: getattr(encoder, f.name) for f in fields(Encoder)})
    model.__dict__["_files"] = file_states(model.folder)
    return model


@lru_cache(maxsize=2)
def _read_again(
    name: str, folder: Path, max_length: int, prompt: str | None, pickled: str
) -> Model:
    """The model of a pickle without weights; a worker that is sent it often reads it once."""
    found = load(folder, max_length=max_length)
    expect_hash(found.name, found.hash, pickled, str(folder))
    model = replace(found, name=name, prompt=prompt)
    model.__dict__["_files"] = found._files
    return model


class Model(Encoder):
    """An encoder that embeds.

    A pickle of it holds no engine: it names the model's folder, which is read again and has to
    give the same hash; or it holds the weights, where that folder has changed since or never held
    this model (rearranged, re-initialised, cut). Copies share weights and engines.
    """

    _files: FileStates | None = (
        None  # of the folder, as it was when this very model was read from it
    )

    def __reduce__(self) -> tuple[Callable[..., Encoder], tuple[Any, ...]]:
        if self._files is None or self._files != file_states(self.folder):
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
        other = super().prompted(prompt, name)
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
        """``poolwise.extraction.extract`` with this model's engine."""
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
        """``poolwise.token_outputs.token_outputs`` with this model's engine of this precision.

        Attention maps are always exact.
        """
        attentions = flag("attentions", attentions)
        engine = engine_of(self, precision, attentions=attentions)
        return token_outputs(
            self, texts, engine=engine, layers=layers, attentions=attentions, **options
        )

    def made(self, precision: Precision = "exact") -> dict[str, str]:
        """How this model's vectors come about; every output carries it."""
        engine = self.engine_for(precision)
        return {
            "poolwise": __version__,
            "model": self.name,
            "model_hash": self.hash,
            "engine": engine.name,
            "precision": engine.precision,
            **self.made_with_prompt(),
        }

    def made_with_prompt(self) -> dict[str, str]:
        """The prompt in front of every text, for provenance; empty where there is none."""
        if not self.prefix:
            return {}
        return {"prompt": self.prefix} | ({} if self.prompts.pooled else {"prompt_pooled": "no"})

    def fit(
        self,
        readout: AnyReadout,
        texts: str | Iterable[str | Sentence],
        *,
        precision: Precision = "exact",
        progress: bool = False,
    ) -> Transform:
        """Fit the readout's steps (``whiten(256)``, ``standardize``, …) on these texts' vectors.

        Holds all of their vectors at once: some ten thousand texts are plenty.
        """
        chosen = self.resolve_readout(readout)
        pooled = chosen.readout.pooled
        encoder, spec = prompted(self, [chosen]), str(pooled)
        batches = encoder.extract(texts, [spec], precision=precision, progress=progress)
        vectors = [batch.vectors[spec] for batch in batches]
        none = np.zeros((0, self.width_of(pooled)), np.float32)
        rows = np.concatenate(vectors) if vectors else none
        return transforms.fit(chosen.readout, rows, self.dense_stack)

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

        Without ``readout``, what the model's own folder declares; a sweep's ``readout.toml`` is
        one, too. ``prompt`` stands in front of every text, or the folder's of ``prompt_name``;
        without them, the one that the readout was chosen with, or the folder's default.
        ``precision`` is ``exact`` (float32), ``near`` (fp16 arithmetic) or ``fast`` (integers); see
        ``engines.open_engine``. ``fit`` gives the texts on which the readout's steps are fitted,
        where it has such.

        A PoolwiseWarning counts texts that were truncated and rows that hold no finite vector
        (``extract`` marks them by row), and says where the folder declares layers after pooling
        that ``readout`` leaves out. A Series, an array or a generator of texts is read in its own
        order; of no text there are no rows, of the same width and type.

        Raises TextError for what are no texts, ReadoutError, OptionError.
        """
        chosen = self.resolve_readout(readout)
        encoder = prompted(self.prompted(prompt, prompt_name), [chosen])
        if fit is not None:
            steps = encoder.fit(chosen.readout, fit, precision=precision)
            chosen = replace(chosen, transform=steps, made={"model_hash": self.hash})
        options: dict[str, Any] = {"precision": precision, "long": long, "progress": progress}
        vectors = encoder._all(texts, chosen, chosen.readout, **options)
        return vectors[0] if isinstance(texts, str) else vectors

    def pooled(self, texts: Iterable[str], readout: Readout, **options: Any) -> NDArray[Any]:
        """The vectors of ``readout`` before its steps, float32 [n, d], with ``embed``'s warnings.

        ``options`` are ``precision``, ``long`` and ``progress``.
        """
        asked = self.resolve_readout(readout).readout
        return self._all(texts, FittedReadout(asked.pooled), asked, **options)

    def _all(
        self,
        texts: str | Iterable[str | Sentence],
        chosen: FittedReadout,
        asked: Readout,
        **options: Any,
    ) -> NDArray[Any]:
        """Every row at once; ``asked`` is the readout that warnings are about."""
        seen = list(self.extract(texts, [chosen], **options))
        self._warn(seen, asked)
        rows = [batch.vectors[str(chosen.readout)] for batch in seen]
        return np.concatenate(rows) if rows else self._no_rows(chosen)

    def resolve_readout(self, readout: AnyReadout | None) -> FittedReadout:
        """The readout in any of its forms; None is what the folder declares.

        Raises ReadoutError, or StoreError for a readout.toml that is none.
        """
        if readout is not None:
            return FittedReadout.of(readout)
        if self.declared is None:
            why = (
                f"{self.inexpressible}, which no readout expresses"
                if self.inexpressible
                else "no pooling of its own"
            )
            raise ReadoutError(f"{self.name} declares {why}; name a readout, for instance mean@-1")
        return FittedReadout(self.declared)

    def _no_rows(self, chosen: FittedReadout) -> NDArray[Any]:
        """What the readout makes of no text: as wide, and of the same type, as of any other."""
        steps = (chosen.transform or transforms.stateless(chosen.readout)).on(self.dense_stack)
        return steps.apply(np.zeros((0, self.width_of(chosen.readout.pooled)), np.float32))

    def _warn(self, seen: Sequence[VectorBatch], readout: Readout) -> None:
        if note := self.omission_note(readout):
            warn(note, PoolwiseWarning, stacklevel=4)
        truncated = sum(int(b.truncated.sum()) for b in seen)
        nonfinite = sum(int(b.nonfinite.sum()) for b in seen)
        if truncated:
            warn(
                f"{truncated} of {sum(map(len, seen))} texts were cut to {self.max_length} tokens; "
                'long="window" reads all of them',
                PoolwiseWarning,
                stacklevel=4,
            )
        if nonfinite:
            warn(f"{nonfinite} vectors are not finite", PoolwiseWarning, stacklevel=4)
        unknown = UnknownTokens(self.tokenizer)
        for batch in seen:
            unknown.add(batch.tokens)
        for note in unknown.notes():
            warn(note, PoolwiseWarning, stacklevel=4)
