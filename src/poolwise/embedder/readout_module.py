"""poolwise's engine as the first module of a sentence-transformers model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolwise.embedder.encoding import refuse
from poolwise.embedder.sentence_encoder import SentenceEncoder
from poolwise.embedder.token_features import Features
from poolwise.errors import needs

with needs("export", "a SentenceTransformer"):
    from sentence_transformers.base.modules import InputModule


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
        """The ids of the texts after ``prompt``.

        ``task`` changes nothing: it chooses modules in models that have some for queries alone.
        """
        unknown = [name for name, value in options.items() if name != "task" and value]
        refuse(bool(unknown), f"{', '.join(unknown)}: poolwise's tokenizer takes no such option")
        return self.encoder.preprocess(inputs, prompt)

    def tokenize(self, texts: Sequence[str], **options: Any) -> Features:
        """``preprocess``, by its name before version 6."""
        return self.preprocess(texts, **options)

    def forward(self, features: Mapping[str, Any], **_: Any) -> Features:
        """The features with the vectors, as ``SentenceModel.forward`` gives them."""
        return self.encoder.forward(features)

    def get_embedding_dimension(self) -> int:
        """d."""
        return self.encoder._n_features_out

    get_sentence_embedding_dimension = get_embedding_dimension  # the name before version 6

    @property
    def max_seq_length(self) -> int:
        """The tokens that are read of a text, special ones included."""
        return self.encoder.max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, tokens: int | None) -> None:
        self.encoder.max_seq_length = tokens

    @property
    def tokenizer(self) -> Any:
        """transformers' tokenizer with poolwise's ids."""
        return self.encoder.tokenizer

    @tokenizer.setter
    def tokenizer(self, _: Any) -> None:
        refuse(True, "another tokenizer: poolwise reads texts with the model's own")

    def save(self, *_: Any, **__: Any) -> None:
        """Raises NotOfferedError: the model that it is part of is saved as a whole."""
        refuse(True, "a folder of this module alone: save_pretrained writes the whole model")

    def get_config_dict(self) -> dict[str, Any]:
        """The parameters, which its ``repr`` shows."""
        parameters: dict[str, Any] = self.encoder.get_params()
        return parameters
