"""A readout with sentence-transformers' ``encode``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poolwise.embedder.encoding import (
    normalised,
    quantised,
    refuse,
    shortened,
    tensor,
    vectors_of,
)
from poolwise.embedder.estimator import ReadoutEstimator
from poolwise.embedder.similarity import similarities
from poolwise.embedder.validation import texts_of
from poolwise.encoders.modules.prompts import DOCUMENT, QUERY
from poolwise.inputs import flag


class SentenceEncoder(ReadoutEstimator):
    """The methods that sentence-transformers' models have, over a readout."""

    def encode(  # noqa: PLR0917 - the signature is theirs
        self,
        inputs: str | Sequence[str] | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        sentences: str | Sequence[str] | None = None,
    ) -> Any:
        """Vectors [n, d], or [d] of one string, by sentence-transformers' signature.

        >>> Embedder("demo", "mean@-1").encode(["a cat"], normalize_embeddings=True).shape
        (1, 384)

        Needs no ``fit`` unless the readout does. ``prompt`` is put before every text, or the
        folder's of ``prompt_name``, or else its default. ``precision`` is the number type of the
        vectors, as ``quantize_embeddings`` has it: ``float32``, ``int8``, ``uint8``, ``binary`` or
        ``ubinary``; the arithmetic is the embedder's own ``precision``. ``batch_size`` changes
        nothing: poolwise fills its batches by tokens. ``sentences`` is the name of ``inputs``
        before their version 6. No text at all gives [0, d]. Raises NotOfferedError for what cannot
        be given: token vectors, a choice of device; EncoderError for a prompt that the folder does
        not name.
        """
        sentence_vectors = isinstance(output_value, str) and output_value == "sentence_embedding"
        refuse(not sentence_vectors, f"{output_value=!r:.60}: Model.token_outputs gives tokens")
        refuse(device is not None, f"{device=!r:.60}: poolwise takes a GPU if there is one")
        valid_batch_size = isinstance(batch_size, int | np.integer) and batch_size >= 1
        refuse(not valid_batch_size, f"{batch_size=!r:.60}: at least one text makes a batch")
        show_progress_bar = flag("show_progress_bar", show_progress_bar)
        normalize_embeddings = flag("normalize_embeddings", normalize_embeddings)
        convert_to_tensor = flag("convert_to_tensor", convert_to_tensor)
        convert_to_numpy = flag("convert_to_numpy", convert_to_numpy)
        texts_or_text = inputs if sentences is None else sentences
        texts = [texts_or_text] if isinstance(texts_or_text, str) else texts_of(texts_or_text)
        readout = self._resolve_readout()
        model = self.loaded_model.prompted(prompt, None if prompt is not None else prompt_name)
        pooled = self._pooled(texts, readout, model=model, progress=show_progress_bar)
        vectors = self._transform(readout).apply(pooled)
        vectors = shortened(vectors, truncate_dim)
        vectors = normalised(vectors) if normalize_embeddings else vectors
        output: Any = quantised(vectors, precision)
        if convert_to_tensor or not convert_to_numpy:
            output = tensor(output) if convert_to_tensor else list(tensor(output))
        return output[0] if isinstance(texts_or_text, str) else output

    def encode_query(self, inputs: Any = None, *args: Any, **options: Any) -> Any:
        """``encode`` with the folder's prompt for queries, unless another is given."""
        return self._encode_as(QUERY, inputs, *args, **options)

    def encode_document(self, inputs: Any = None, *args: Any, **options: Any) -> Any:
        """``encode`` with the folder's prompt for documents, unless another is given."""
        return self._encode_as(DOCUMENT, inputs, *args, **options)

    def _encode_as(
        self,
        kind: str,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        """Without such a prompt in the folder there is none, whatever its default."""
        name = kind if prompt_name is None and prompt is None else prompt_name
        return self.encode(inputs, name, prompt, *args, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of all pairs, a tensor [n, m], by the measure that the folder names.

        Cosine, dot product, or the negative Euclidean or Manhattan distance. Raises
        NotOfferedError for what are no vectors of one width, MissingExtraError.
        """
        first = vectors_of(embeddings1, "embeddings1")
        second = vectors_of(embeddings2, "embeddings2")
        widths = first.shape[1], second.shape[1]
        refuse(widths[0] != widths[1], "vectors of the widths {} and {}".format(*widths))
        return tensor(similarities(self.loaded_model.similarity, first, second))

    def get_embedding_dimension(self) -> int:
        """d, by the name that sentence-transformers 6 gives it."""
        return self.loaded_model.width_of(self._resolve_readout().readout)

    get_sentence_embedding_dimension = get_embedding_dimension  # the name of before
