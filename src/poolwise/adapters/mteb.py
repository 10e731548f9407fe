"""MTEB 2's encoder (``mteb.EncoderProtocol``), without sentence-transformers in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poolwise.embedder import Embedder
from poolwise.errors import needs

with needs("mteb", "evaluation by MTEB"):
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction
    from mteb.similarity_functions import cos_sim, pairwise_cos_sim


class MtebEncoder:
    """An embedder as MTEB evaluates it; similarity is the cosine.

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
        prompt_type: object = None,
        **options: Any,
    ) -> NDArray[Any]:
        """Vectors [n, d] of the batches' ``text``; ``options`` are those of ``Embedder.encode``.

        The task, its split and the type of prompt change nothing: a readout has no prompts.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        vectors: NDArray[Any] = self.embedder.encode(texts, **options)
        return vectors

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines, a tensor [n, m]."""
        return cos_sim(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines of row with row, a tensor [n]."""
        return pairwise_cos_sim(embeddings1, embeddings2)


def _meta(embedder: Embedder) -> Any:
    model, name = embedder.opened, str(embedder.model)
    local = "/" not in name or Path(name).expanduser().exists()
    facts = {
        "name": f"poolwise/{Path(name).name}" if local else name,
        "revision": model.hash,
        "n_parameters": sum(tensor.size for tensor in model.tensors.values()),
        "max_tokens": model.max_length,
        "embed_dim": embedder.get_embedding_dimension(),
        "similarity_fn_name": ScoringFunction.COSINE,
        "experiment_kwargs": {
            "readout": str(model.asked(embedder.readout)),
            "precision": model.engine_for(embedder.precision).precision,
            "max_length": model.max_length,
            "long": embedder.long,
            **_fitted(embedder),
        },
    }
    return ModelMeta.create_empty(overwrites=facts)


def _fitted(embedder: Embedder) -> dict[str, str]:
    """A mark of what the steps have learned: the same readout may be fitted on other texts."""
    states = getattr(embedder, "transform_", None) and embedder.transform_.states
    learned = [array for state in states or () for _, array in sorted(state.items())]
    digest = sha256(b"".join(array.tobytes() for array in learned))
    return {"fitted": digest.hexdigest()[:12]} if learned else {}
