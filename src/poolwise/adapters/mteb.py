"""MTEB 2's encoder (``mteb.EncoderProtocol``), without sentence-transformers in between."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poolwise.embedder import Embedder
from poolwise.encoders.provenance import prompt_provenance
from poolwise.errors import needs

with needs("mteb", "evaluation by MTEB"):
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction
    from mteb.types import PromptType


class MtebEncoder:
    """An embedder as MTEB evaluates it.

        import mteb
        from poolwise import Embedder
        from poolwise.adapters.mteb import MtebEncoder

        mteb.evaluate(MtebEncoder(Embedder("demo", "mean@-1")), mteb.get_tasks(tasks=["STS12"]))

    MTEB keeps its results by the model's name, its hash as the revision, and the embedder's
    settings: those of two readouts of one model stay apart.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.mteb_model_meta = _meta(embedder)

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: object,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **options: Any,
    ) -> NDArray[Any]:
        """Vectors [n, d] of the batches' ``text``; ``options`` are those of ``Embedder.encode``.

        ``prompt_type`` picks the folder's prompt for queries or for documents; without one it is
        its default. The task and its split change nothing.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        encode = _ENCODE[None if prompt_type is None else PromptType(prompt_type)]
        vectors: NDArray[Any] = encode(self.embedder, texts, **options)
        return vectors

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of all pairs, a tensor [n, m], by the embedder's measure."""
        return self.embedder.similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of each pair of rows, a tensor [n], by the same measure."""
        return self.embedder.similarity_pairwise(embeddings1, embeddings2)


_ENCODE = {
    None: Embedder.encode,
    PromptType.query: Embedder.encode_query,
    PromptType.document: Embedder.encode_document,
}


def _meta(embedder: Embedder) -> Any:
    model, name = embedder.loaded_model, str(embedder.model)
    local = "/" not in name or Path(os.path.expanduser(name)).exists()  # noqa: PTH111 - raises nothing
    facts = {
        "name": f"poolwise/{Path(name).name}" if local else name,
        "revision": model.hash,
        "n_parameters": sum(tensor.size for tensor in model.tensors.values()),
        "max_tokens": model.max_length,
        "embed_dim": embedder.get_embedding_dimension(),
        "similarity_fn_name": ScoringFunction(embedder.similarity_fn_name),
        "experiment_kwargs": {
            "readout": str(model.resolve_readout(embedder.readout).readout),
            **prompt_provenance(model),
            "precision": model.engine_for(embedder.precision).precision,
            "max_length": model.max_length,
            "long": embedder.long,
            **_fitted(embedder),
        },
    }
    return ModelMeta.create_empty(overwrites=facts)


def _fitted(embedder: Embedder) -> dict[str, str]:
    """A hash of the fitted steps: the same readout may be fitted on other texts."""
    states = getattr(embedder, "transform_", None) and embedder.transform_.states
    arrays = [array for state in states or () for _, array in sorted(state.items())]
    digest = sha256(b"".join(array.tobytes() for array in arrays))
    return {"fitted": digest.hexdigest()[:12]} if arrays else {}
