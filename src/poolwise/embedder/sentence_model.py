"""What sentence-transformers asks of a model beside ``encode``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, get_args

from poolwise.embedder.encoding import refuse, tensor, vectors_of
from poolwise.embedder.estimator import ReadoutEstimator
from poolwise.embedder.model_cache import cached_model
from poolwise.embedder.similarity import Measure, all_pairs, pairwise
from poolwise.embedder.validation import texts_of
from poolwise.encoders.modules.prompts import Prompts, SimilarityName
from poolwise.errors import needs
from poolwise.inputs import whole_number
from poolwise.transforms.fitted_readout import prompted


class SentenceModel(ReadoutEstimator):
    """A readout with the attributes of a sentence-transformers model.

    ``max_seq_length`` is the parameter ``max_length``. ``similarity_fn_name`` and ``truncate_dim``
    are no parameters: scikit-learn's ``clone`` does not copy them, and ``transform`` does not
    follow ``truncate_dim``, for which the readout's step ``truncate(k)`` is.
    """

    _similarity: SimilarityName | None = None
    _truncate_dim: int | None = None
    _model_card_data: Any = None

    @property
    def max_seq_length(self) -> int:
        """The tokens that are read of a text, special ones included; the parameter ``max_length``.

        Raises EncoderError for a number that the model cannot read.
        """
        return self.loaded_model.max_length

    @max_seq_length.setter
    def max_seq_length(self, tokens: int | None) -> None:
        cached_model(self.model, tokens)
        self.max_length = tokens

    def get_max_seq_length(self) -> int:
        """``max_seq_length``."""
        return self.max_seq_length

    @property
    def truncate_dim(self) -> int | None:
        """The dimensions that ``encode`` gives, the first ones; None for all of the readout's."""
        return self._truncate_dim

    @truncate_dim.setter
    def truncate_dim(self, dimensions: int | None) -> None:
        if dimensions is not None:
            dimensions = whole_number("truncate_dim", dimensions, 1, self._n_features_out)
        self._truncate_dim = dimensions

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """``truncate_dim`` for the length of a ``with``."""
        before = self.truncate_dim
        self.truncate_dim = truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    truncate_sentence_embeddings = truncate_embeddings  # the name before version 5.5

    def get_embedding_dimension(self) -> int:
        """The dimensions of ``encode``'s vectors, by the name of sentence-transformers 6."""
        return self.truncate_dim or self._n_features_out

    get_sentence_embedding_dimension = get_embedding_dimension  # the name of before

    @property
    def similarity_fn_name(self) -> SimilarityName:
        """The measure of ``similarity``: the folder's own, unless it is set. None resets it."""
        return self._similarity or self.loaded_model.similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: Any) -> None:
        name = getattr(name, "value", name)  # of sentence-transformers' SimilarityFunction
        names: tuple[str, ...] = get_args(SimilarityName)
        known = name is None or (isinstance(name, str) and name in names)
        refuse(not known, f"similarity_fn_name={name!r:.60}: it is one of {', '.join(names)}")
        self._similarity = name

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of all pairs, a tensor [n, m], by ``similarity_fn_name``.

        Cosine, dot product, or the negative Euclidean or Manhattan distance. Raises
        NotOfferedError for what are no vectors of one width, MissingExtraError.
        """
        return self._compare(all_pairs, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of row i of both, a tensor [n]; otherwise as ``similarity``."""
        names = {"embeddings1": embeddings1, "embeddings2": embeddings2}
        counts = [len(vectors_of(vectors, name)) for name, vectors in names.items()]
        refuse(counts[0] != counts[1], "pairs of {} and {} vectors".format(*counts))
        return self._compare(pairwise, embeddings1, embeddings2)

    def _compare(self, measure: Measure, embeddings1: Any, embeddings2: Any) -> Any:
        first = vectors_of(embeddings1, "embeddings1")
        second = vectors_of(embeddings2, "embeddings2")
        widths = first.shape[1], second.shape[1]
        refuse(widths[0] != widths[1], "vectors of the widths {} and {}".format(*widths))
        return tensor(measure(self.similarity_fn_name, first, second))

    @property
    def prompts(self) -> dict[str, str]:
        """The folder's prompts by name, and that of a ``readout.toml``."""
        return dict(self._prompts.texts)

    @property
    def default_prompt_name(self) -> str | None:
        """The name of the prompt that applies where no other is chosen."""
        return self._prompts.default

    @property
    def _prompts(self) -> Prompts:
        model = prompted(self.loaded_model, [self._resolve_readout()])
        return model.prompts.with_default(model.prompt)

    @property
    def device(self) -> Any:
        """The ``torch.device`` that computes the vectors. Raises MissingExtraError."""
        with needs("torch", "a device"):
            import torch  # noqa: PLC0415 - takes seconds

        return torch.device(self._device_name)

    @property
    def _device_name(self) -> str:
        return str(getattr(self.loaded_model.engine_for(self.precision), "device", "cpu"))

    def _check_device(self, device: Any) -> None:
        """Raise NotOfferedError for another device than that which computes the vectors."""
        if device is None:
            return
        here = self._device_name.partition(":")[0]
        refuse(
            str(device).partition(":")[0] != here,
            f"{device=!r:.60}: this model runs on {here}, as poolwise takes a GPU where it finds "
            "one and the CPU elsewhere",
        )

    def to(self, device: Any) -> Self:
        """This embedder. Raises NotOfferedError for another device than its own."""
        self._check_device(device)
        return self

    def eval(self) -> Self:
        """This embedder, which is never trained."""
        return self

    @property
    def tokenizer(self) -> Any:
        """transformers' tokenizer with poolwise's ids. Raises MissingExtraError."""
        from poolwise.embedder.transformers_tokenizer import (  # noqa: PLC0415 - takes seconds
            transformers_tokenizer,
        )

        return transformers_tokenizer(self.loaded_model)

    def preprocess(self, inputs: Sequence[str], prompt: str | None = None) -> dict[str, Any]:
        """Padded ids of the texts after ``prompt``: tensors ``input_ids``, ``attention_mask``, …

        See ``token_features.features_of``. Raises NotTextsError, MissingExtraError.
        """
        with needs("torch", "tokens as tensors"):
            from poolwise.embedder.token_features import features_of  # noqa: PLC0415 - takes seconds

        model = self.loaded_model.prompted(prompt or "")
        texts = model.tokenize(texts_of(inputs), long=self.long)
        return features_of(texts, model.config.pad_token_id or 0)

    tokenize = preprocess  # the name before version 6

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """``features`` with ``sentence_embedding`` [n, d] and ``token_embeddings`` [n, t, d'].

        Texts in several windows have no ``token_embeddings``.
        """
        with needs("torch", "vectors as tensors"):
            from poolwise.embedder.token_features import token_pass  # noqa: PLC0415

        readout = self._resolve_readout()
        engine = self.loaded_model.engine_for(self.precision)
        pooled, states = token_pass(self.loaded_model, engine, readout.readout.pooled, features)
        outputs = {
            **features,
            "sentence_embedding": tensor(self._transform(readout).apply(pooled)),
        }
        return outputs if "windows" in features else {**outputs, "token_embeddings": tensor(states)}

    @property
    def model_card_data(self) -> Any:
        """Where evaluators note their scores, as sentence-transformers' models have it.

        Raises MissingExtraError.
        """
        if self._model_card_data is None:
            with needs("export", "a model card of scores"):
                from sentence_transformers import (  # noqa: PLC0415 - takes seconds
                    SentenceTransformerModelCardData,
                )

            self._model_card_data = SentenceTransformerModelCardData(local_files_only=True)
        return self._model_card_data

    def start_multi_process_pool(self, *_: Any, **__: Any) -> None:
        """Raises NotOfferedError: one process uses every core."""
        refuse(True, "a pool of processes: poolwise uses every core in one process")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_model_card_data"}
