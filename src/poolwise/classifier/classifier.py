"""A fine-tuned checkpoint that tells labels, through the waist and without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import length_hint
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from poolwise.classifier.checkpoint_reader import read_head
from poolwise.classifier.output_space import OutputSpace
from poolwise.errors import PoolwiseWarning, StudyError, TextError
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
    has learned; ``asked`` is the readout that training began from. ``output_space`` says what the k
    outputs are. ``query`` [hidden size], of learned attention, weighs tokens in place of the
    readout's mean. ``provenance`` is the checkpoint's.
    """

    model: Model
    readout: Readout
    asked: str
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
        model = Model.load(name, max_length=max_length, revision=revision)
        head = read_head(model)
        return cls(
            model=model,
            readout=head.readout,
            asked=head.asked,
            output_space=head.output_space,
            weight=head.weight,
            bias=head.bias,
            query=head.query,
            provenance=head.provenance,
        )

    def __repr__(self) -> str:
        told = (
            "a number"
            if self.output_space.kind == "regression"
            else f"{len(self.output_space.labels)} labels"
        )
        return f"<Classifier {escape_control(self.model.name)}: {self.asked} → {told}>"

    def predict(self, texts: Iterable[str], **options: Any) -> list[Any] | NDArray[np.float32]:
        """The label of each text; the list of its labels; or, of regression, numbers float32 [n].

        ``options`` are those of ``outputs``. A text whose outputs are not finite has no label
        (None, or NaN); such are counted in a PoolwiseWarning.
        """
        outputs = self.outputs(texts, **options)
        lost = int((~finite(outputs)).sum())
        if lost:
            warn(f"{lost} texts have outputs that are not finite", PoolwiseWarning, stacklevel=2)
        return (
            outputs[:, 0]
            if self.output_space.kind == "regression"
            else named(self.output_space, outputs)
        )

    def predict_proba(self, texts: Iterable[str], **options: Any) -> Floats:
        """Probabilities of ``output_space.labels``, float32 [n, k].

        A row adds up to 1 where a text has one label. Raises StudyError for a regression."""
        return probabilities(self.output_space, self.outputs(texts, **options))

    def outputs(
        self, texts: Iterable[str], *, precision: Precision = "exact", progress: bool = False
    ) -> Floats:
        """What the linear layer gives, float32 [n, k]: logits, or the number of a regression."""
        if isinstance(texts, str):
            raise TextError("found one text, expected several: write [text]")
        batches = self.batches(texts, precision=precision, progress=progress)
        found = [batch.vectors[OUTPUTS] for batch in batches]
        return (
            np.concatenate(found) if found else np.zeros((0, self.output_space.width), np.float32)
        )

    def batches(
        self,
        texts: Iterable[str | Sentence],
        *,
        precision: Precision = "exact",
        progress: bool = False,
    ) -> Iterator[VectorBatch]:
        """Texts in order, as ``extract`` gives them, however many; ``vectors`` hold ``OUTPUTS``."""
        read = self._read if self.query is None else self._attend
        for batch, vectors in read(texts, precision, progress):
            # In float64, so that a text's outputs do not depend on those it stands among.
            exact = vectors @ self.weight.T.astype(np.float64) + self.bias
            with np.errstate(over="ignore"):
                outputs = exact.astype(np.float32)
            yield replace(batch, vectors={OUTPUTS: outputs}, nonfinite=~finite(outputs))

    def _read(
        self, texts: Iterable[str | Sentence], precision: Precision, progress: bool
    ) -> Iterator[tuple[VectorBatch, Floats]]:
        spec = str(self.readout)
        fallback = self.readout.pool.facts.fallback
        pool = self.readout.pool if fallback is None else Pool(fallback)
        nearest = str(replace(self.readout, pool=pool))
        asked = dict.fromkeys([spec, nearest])
        for batch in self.model.extract(texts, asked, precision=precision, progress=progress):
            lacking = _lacking(self.readout.pool, batch)[:, None]
            yield batch, np.where(lacking, batch.vectors[nearest], batch.vectors[spec])

    def _attend(
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
                    read = self._combined(group)[:, self.model.unread(group.ids.shape[1]) :]
                    vectors[group.rows] = _attended(read, self.query)
                    tokens.update(zip(group.rows.tolist(), group.tokens, strict=True))
                    bar.advance(len(group))
                in_order = [tokens[row] for row in range(len(window))]
                yield vector_batch(window, in_order, {}, ~finite(vectors)), vectors

    def _combined(self, group: TokenOutputs) -> Floats:
        """The weighted sum of the layers that are read, [n, t, d]."""
        layers = self.readout.layers
        assert layers is not None
        depth = self.model.depth
        hidden = np.zeros(group.hidden_states.shape[1:], np.float32)
        for k, factor in zip(layers.resolve(depth), layers.coefficients(depth), strict=True):
            hidden += np.float32(factor) * group.hidden_states[group.layers.index(k)]
        return hidden


load_classifier = Classifier.load


def named(output_space: OutputSpace, outputs: Floats) -> list[Any]:
    """Of outputs [n, k], each text's label, or list of labels; None where they are not finite."""
    known = finite(outputs).tolist()
    if output_space.kind == "classification":
        best = outputs.argmax(axis=1).tolist()
        return [output_space.labels[i] if ok else None for i, ok in zip(best, known, strict=True)]
    return [
        [output_space.labels[i] for i in np.flatnonzero(row > 0)] if ok else None
        for row, ok in zip(outputs, known, strict=True)
    ]


def probabilities(output_space: OutputSpace, outputs: Floats) -> Floats:
    """Of outputs [n, k], float32 [n, k]: softmax where one label is right, else sigmoid.

    Raises StudyError for regression.
    """
    if output_space.kind == "regression":
        raise StudyError("a regression tells a number, which has no probability; use predict")
    logits = outputs.astype(np.float64)
    made = softmax(logits, axis=1) if output_space.kind == "classification" else expit(logits)
    return np.asarray(made, np.float32)


def finite(outputs: Floats) -> Bools:
    """Which rows [n] of outputs [n, k] are all finite."""
    return np.asarray(np.isfinite(outputs).all(axis=1))


def _attended(hidden: Floats, query: Floats) -> Floats:
    """Σ wᵢ hᵢ with w = softmax(h · query) over all tokens; [n, t, d] → [n, d]."""
    weights = softmax(hidden @ query, axis=1)
    return np.asarray(np.einsum("nt,ntd->nd", weights, hidden), np.float32)


def _lacking(pool: Pool, batch: VectorBatch) -> Bools:
    """Whether a text lacks what ``pool`` reads, [n]."""
    if pool.kind == "token":
        assert pool.position is not None
        return (pool.position >= batch.n_tokens) | (pool.position < -batch.n_tokens)
    return batch.empty if pool.facts.fallback else np.zeros(len(batch), np.bool_)
