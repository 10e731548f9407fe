"""poolwise's engine as the first module of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from poolwise.embedder.encoding import refuse
from poolwise.embedder.sentence_encoder import SentenceEncoder
from poolwise.embedder.token_features import Features, features_of, texts_of_features, token_pass
from poolwise.embedder.validation import texts_of
from poolwise.errors import needs

with needs("export", "a SentenceTransformer"):
    try:
        from sentence_transformers.base.modules import InputModule
    except ModuleNotFoundError:  # older versions of 5
        from sentence_transformers.models import (  # type: ignore[import-not-found, no-redef]
            InputModule,
        )


class ReadoutModule(InputModule):
    """Token ids in, the readout's vectors and the states of the tokens out.

    It has no parameters, for poolwise's engine has the weights: it gives no gradients.
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.encoder = encoder

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **options: Any
    ) -> Features:
        """The ids of the texts after ``prompt``, as ``token_features.features_of`` has them."""
        refuse(bool(options), f"{', '.join(options)}: poolwise's tokenizer takes no such option")
        model = self.encoder.loaded_model.prompted(prompt or "")
        texts = model.tokenize(texts_of(inputs), long=self.encoder.long)
        return features_of(texts, model.config.pad_token_id or 0)

    def tokenize(self, texts: Sequence[str], **options: Any) -> Features:
        """``preprocess``, by its name before version 6."""
        return self.preprocess(texts, **options)

    def forward(self, features: Mapping[str, Any], **_: Any) -> Features:
        """``features`` with ``sentence_embedding`` [n, d] and ``token_embeddings`` [n, t, d'].

        Texts in several windows have no ``token_embeddings``.
        """
        encoder = self.encoder
        model, readout = encoder.loaded_model, encoder._resolve_readout()
        texts = texts_of_features(features, model)
        engine = model.engine_for(encoder.precision)
        pooled, states = token_pass(model, engine, readout.readout.pooled, texts)
        vectors = encoder._transform(readout).apply(pooled)
        outputs = {**features, "sentence_embedding": torch.from_numpy(vectors)}
        if "windows" not in features:
            outputs["token_embeddings"] = torch.from_numpy(states)
        return outputs

    def get_embedding_dimension(self) -> int:
        """d."""
        return self.encoder._n_features_out

    get_sentence_embedding_dimension = get_embedding_dimension  # the name before version 6

    @property
    def max_seq_length(self) -> int:
        """The tokens that are read of a text, special ones included."""
        return self.encoder.loaded_model.max_length

    @max_seq_length.setter
    def max_seq_length(self, tokens: int) -> None:
        self.encoder.set_params(max_length=tokens)

    def save(self, *_: Any, **__: Any) -> None:
        """Raises NotOfferedError: the model that it is part of is saved as a whole."""
        refuse(True, "a folder of this module alone: save_pretrained writes the whole model")

    def get_config_dict(self) -> dict[str, Any]:
        """The parameters, which its ``repr`` shows."""
        parameters: dict[str, Any] = self.encoder.get_params()
        return parameters
