"""A readout with sentence-transformers' ``encode``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from poolwise.embedder.encoding import normalised, quantised, refuse, shortened, tensor
from poolwise.embedder.sentence_model import SentenceModel
from poolwise.embedder.validation import texts_of
from poolwise.encoders.modules.prompts import DOCUMENT, QUERY
from poolwise.errors import needs
from poolwise.inputs import flag


class SentenceEncoder(SentenceModel):
    """A readout that encodes as a sentence-transformers model does."""

    def encode(  # noqa: PLR0917 - the signature is theirs
        self,
        inputs: str | Iterable[str] | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: None = None,
        chunk_size: None = None,
        *,
        sentences: str | Iterable[str] | None = None,
    ) -> Any:
        """Vectors [n, d], or [d] of one string, by sentence-transformers' signature.

        Examples:
            >>> Embedder("demo", "mean@-1").encode(["a cat"], normalize_embeddings=True).shape
            (1, 384)

        Needs no ``fit`` unless the readout does. ``inputs`` is a list, tuple, array, Series, column
        or generator of texts, or a data set of one column. ``prompt`` is put before every text, or
        the folder's of ``prompt_name``, or else its default. ``precision`` is the number type of
        the vectors, as ``quantize_embeddings`` has it: ``float32``, ``int8``, ``uint8``,
        ``binary`` or ``ubinary``; the arithmetic is the embedder's own ``precision``.
        ``batch_size`` changes nothing: poolwise fills its batches by tokens. ``sentences`` is the
        name of ``inputs`` before their version 6. No text at all gives [0, d].

        The ``output_value`` ``"token_embeddings"`` gives a tensor [t, d'] a text: the states of its
        tokens in the layers that the readout reads; None gives a dict of tensors a text.

        Raises NotOfferedError for what cannot be given, such as a GPU that is not there or a pool
        of processes; EncoderError for a prompt that the folder does not name.
        """
        refuse(
            pool is not None or chunk_size is not None or isinstance(device, list),
            "pool, chunk_size and several devices: poolwise uses every core in one process; "
            "as_sentence_transformer() encodes in several",
        )
        self._check_device(device)
        valid_batch_size = isinstance(batch_size, int | np.integer) and batch_size >= 1
        refuse(not valid_batch_size, f"{batch_size=!r:.60}: at least one text makes a batch")
        show_progress_bar = flag("show_progress_bar", show_progress_bar)
        normalize_embeddings = flag("normalize_embeddings", normalize_embeddings)
        convert_to_tensor = flag("convert_to_tensor", convert_to_tensor)
        convert_to_numpy = flag("convert_to_numpy", convert_to_numpy)
        texts_or_text = inputs if sentences is None else sentences
        texts = [texts_or_text] if isinstance(texts_or_text, str) else texts_of(texts_or_text)
        if prompt is None and prompt_name is not None:
            prompt = self._prompts.resolve(name=prompt_name)
        truncate_dim = self.truncate_dim if truncate_dim is None else truncate_dim
        output: Any
        if not (isinstance(output_value, str) and output_value == "sentence_embedding"):
            output = self._token_values(texts, prompt, output_value, batch_size, truncate_dim)
        else:
            readout, model = self._resolve_readout(), self.loaded_model.prompted(prompt)
            pooled = self._pooled(texts, readout, model=model, progress=show_progress_bar)
            vectors = shortened(self._transform(readout).apply(pooled), truncate_dim)
            vectors = normalised(vectors) if normalize_embeddings else vectors
            output = quantised(vectors, "float32" if precision is None else precision)
            if convert_to_tensor or not convert_to_numpy:
                output = tensor(output) if convert_to_tensor else list(tensor(output))
        return output[0] if isinstance(texts_or_text, str) else output

    def _token_values(
        self,
        texts: Sequence[str],
        prompt: str | None,
        output_value: Any,
        batch_size: int,
        truncate_dim: int | None,
    ) -> list[Any]:
        """``encode``'s output for what is no sentence vector, a value a text."""
        known = output_value is None or str(output_value) == "token_embeddings"
        choices = "sentence_embedding, token_embeddings, None"
        refuse(not known, f"{output_value=!r:.60}: it is one of {choices}")
        refuse(
            self.long == "window",
            f"{output_value=} with long='window': a token in two windows has two states",
        )
        with needs("torch", "vectors of tokens"):
            from poolwise.embedder.token_features import token_values  # noqa: PLC0415

        prompt = self._prompts.resolve() if prompt is None else prompt
        values = []
        for start in range(0, len(texts), batch_size):
            outputs = self.forward(self.preprocess(texts[start : start + batch_size], prompt))
            outputs["sentence_embedding"] = shortened(outputs["sentence_embedding"], truncate_dim)
            values += token_values(outputs, output_value)
        return values

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
