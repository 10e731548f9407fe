"""A trained classifier, run by the encoder's engine and without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import length_hint
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from poolwise.classifier.checkpoint_reader import read_head
from poolwise.classifier.output_space import OutputSpace, finite_rows
from poolwise.errors import PoolwiseWarning, TextError
from poolwise.escaping import escape_control
from poolwise.extraction import vector_batch, windows
from poolwise.inputs import sentences
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.readouts import Pool, Readout
from poolwise.records import (
    Bools,
    Floats,
    Precision,
    Sentence,
    TokenizedText,
    TokenOutputs,
    VectorBatch,
)

OUTPUTS = "outputs"
"""The key of a batch's outputs among its vectors."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """Encoder → readout → linear layer: ``weight`` [k, width], ``bias`` [k].

    ``readout`` is what the linear layer reads of ``model``, with the layer weights that training
    has learned; ``spec`` is the readout as it was given for training (``cls@mix``).
    ``output_space`` says what the k outputs are. ``query`` [hidden size], of learned attention,
    weighs tokens in place of the readout's mean. ``provenance`` is the checkpoint's.
    """

    model: Model
    readout: Readout
    spec: str
    output_space: OutputSpace
    weight: Floats = field(repr=False)
    bias: Floats = field(repr=False)
    query: Floats | None = field(default=None, repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls, name: str | Path, *, max_length: int | None = None, revision: str | None = None
    ) -> Classifier:
        """Read and check a fine-tuned checkpoint: a folder, or a Hugging Face hub id.

        A folder that ``poolwise tune`` has written, or transformers' BertForSequenceClassification
        or AlbertForSequenceClassification, which read ``pooler``. ``max_length`` and ``revision``
        as in ``poolwise.load``. Raises EncoderError where there is no such head, or it cannot be
        trusted.
        """
        return cls.of(Model.load(name, max_length=max_length, revision=revision))

    @classmethod
    def of(cls, model: Model) -> Classifier:
        """The classifier in the folder of ``model``. Raises EncoderError as ``load`` does."""
        head = read_head(model)
        return cls(
            model=model,
            readout=head.readout,
            spec=head.spec,
            output_space=head.output_space,
            weight=head.weight,
            bias=head.bias,
            query=head.query,
            provenance=head.provenance,
        )

    def __repr__(self) -> str:
        space = self.output_space
        outputs = "a number" if space.kind == "regression" else f"{len(space.labels)} labels"
        return f"<Classifier {escape_control(self.model.name)}: {self.spec} → {outputs}>"

    def predict(self, texts: Iterable[str], **options: Any) -> list[Any] | NDArray[np.float32]:
        """The label of each text; the list of its labels; or, of regression, numbers float32 [n].

        ``options`` are those of ``outputs``. A text whose outputs are not finite has no label
        (None, or NaN); such texts are counted in a PoolwiseWarning.
        """
        outputs = self.outputs(texts, **options)
        nonfinite = int((~finite_rows(outputs)).sum())
        if nonfinite:
            message = f"{nonfinite} texts have outputs that are not finite"
            warn(message, PoolwiseWarning, stacklevel=2)
        return self.output_space.predictions(outputs)

    def predict_proba(self, texts: Iterable[str], **options: Any) -> Floats:
        """Probabilities of ``output_space.labels``, float32 [n, k].

        A row adds up to 1 where a text has one label. Raises StudyError for a regression.
        """
        return self.output_space.probabilities(self.outputs(texts, **options))

    def outputs(
        self, texts: Iterable[str], *, precision: Precision = "exact", progress: bool = False
    ) -> Floats:
        """The linear layer's outputs, float32 [n, k]: logits, or the number of a regression."""
        if isinstance(texts, str):
            raise TextError("found one text, expected several: write [text]")
        batches = self.batches(texts, precision=precision, progress=progress)
        empty = np.zeros((0, self.output_space.width), np.float32)
        return np.concatenate([empty, *(batch.vectors[OUTPUTS] for batch in batches)])

    def batches(
        self,
        texts: Iterable[str | Sentence],
        *,
        precision: Precision = "exact",
        progress: bool = False,
    ) -> Iterator[VectorBatch]:
        """Batches as of ``extract``, in the order of the texts; ``vectors`` hold ``OUTPUTS``."""
        vectors_of = self._pooled if self.query is None else self._attention_pooled
        for batch, vectors in vectors_of(texts, precision, progress):
            outputs = self.linear(vectors)
            yield replace(batch, vectors={OUTPUTS: outputs}, nonfinite=~finite_rows(outputs))

    def linear(self, vectors: Floats) -> Floats:
        """The outputs float32 [n, k] of vectors [n, width] of the readout."""
        # In float64, so that a text's outputs do not depend on those it stands among.
        exact = vectors @ self.weight.T.astype(np.float64) + self.bias
        with np.errstate(over="ignore"):
            return np.asarray(exact, np.float32)

    def _pooled(
        self, texts: Iterable[str | Sentence], precision: Precision, progress: bool
    ) -> Iterator[tuple[VectorBatch, Floats]]:
        """The readout's vectors; the fallback's of texts that lack the tokens it reads."""
        spec, pool = str(self.readout), self.readout.pool
        kind = pool.facts.fallback
        fallback = spec if kind is None else str(replace(self.readout, pool=Pool(kind)))
        specs = dict.fromkeys([spec, fallback])
        for batch in self.model.extract(texts, specs, precision=precision, progress=progress):
            lacking = _lacking(pool, batch)[:, None]
            yield batch, np.where(lacking, batch.vectors[fallback], batch.vectors[spec])

    def _attention_pooled(
        self, texts: Iterable[str | Sentence], precision: Precision, progress: bool
    ) -> Iterator[tuple[VectorBatch, Floats]]:
        """Learned attention is no readout: it needs every token's hidden states."""
        assert self.query is not None
        layers = sorted({*self.readout.layer_indices(self.model.depth)})
        with Progress("texts", length_hint(texts) or None, show=progress) as bar:
            for window in windows(sentences(texts)):
                vectors = np.empty((len(window), self.weight.shape[1]), np.float32)
                tokens: dict[int, TokenizedText] = {}
                for group in self.model.token_outputs(window, layers=layers, precision=precision):
                    first = self.model.unread(group.ids.shape[1])
                    hidden = self._combined_layers(group)[:, first:]
                    vectors[group.rows] = _attention_pool(hidden, self.query)
                    tokens.update(zip(group.rows.tolist(), group.tokens, strict=True))
                    bar.advance(len(group))
                in_order = [tokens[row] for row in range(len(window))]
                yield vector_batch(window, in_order, {}, (~finite_rows(vectors)).tolist()), vectors

    def _combined_layers(self, group: TokenOutputs) -> Floats:
        """The weighted sum of the layers that are read, [n, t, d]."""
        layers = self.readout.layers
        assert layers is not None
        depth = self.model.depth
        hidden = np.zeros(group.hidden_states.shape[1:], np.float32)
        for k, factor in zip(layers.resolve(depth), layers.coefficients(depth), strict=True):
            hidden += np.float32(factor) * group.hidden_states[group.layers.index(k)]
        return hidden


load_classifier = Classifier.load


def _attention_pool(hidden: Floats, query: Floats) -> Floats:
    """Σ wᵢ hᵢ with w = softmax(h · query) over all tokens; [n, t, d] → [n, d]."""
    weights = softmax(hidden @ query, axis=1)
    return np.asarray(np.einsum("nt,ntd->nd", weights, hidden), np.float32)


def _lacking(pool: Pool, batch: VectorBatch) -> Bools:
    """Which texts [n] lack the tokens that ``pool`` reads."""
    if pool.kind == "token":
        assert pool.position is not None
        return (pool.position >= batch.n_tokens) | (pool.position < -batch.n_tokens)
    return batch.empty if pool.facts.fallback else np.zeros(len(batch), np.bool_)
