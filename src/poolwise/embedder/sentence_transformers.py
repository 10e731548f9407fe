"""A SentenceTransformer that runs poolwise's engine, for software that takes no other class."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from poolwise.embedder.encoding import refuse
from poolwise.embedder.readout_module import ReadoutModule
from poolwise.embedder.sentence_encoder import SentenceEncoder
from poolwise.encoders.modules.prompts import Prompts
from poolwise.errors import needs
from poolwise.exports import export
from poolwise.model import Model
from poolwise.records import LongTexts, Precision
from poolwise.transforms.fitted_readout import prompted

with needs("export", "a SentenceTransformer"):
    import sentence_transformers
    import torch


class SentenceTransformer(sentence_transformers.SentenceTransformer):
    """A readout as a ``sentence_transformers.SentenceTransformer``, for inference.

    Examples:
        >>> SentenceTransformer("demo", "mean@-1").encode(["a cat"]).shape
        (1, 384)

    The parameters are those of ``Embedder``, and ``encode`` gives its vectors, bit for bit; prompts
    and the measure of similarity are the folder's. Saving writes an export, whose stock modules
    give the same vectors without poolwise, and can be trained.
    """

    def __init__(
        self,
        model: str | Path = "demo",
        readout: str | Path | None = None,
        *,
        precision: Precision = "exact",
        max_length: int | None = None,
        long: LongTexts = "truncate",
    ) -> None:
        self._start(
            SentenceEncoder(model, readout, precision=precision, max_length=max_length, long=long)
        )

    @classmethod
    def of(cls, encoder: SentenceEncoder) -> Self:
        """The model of a copy of ``encoder``, with its fitted steps."""
        model, encoder = cls.__new__(cls), copy(encoder)
        truncate_dim, encoder.truncate_dim = encoder.truncate_dim, None
        model._start(encoder)
        model.truncate_dim = truncate_dim
        return model

    def _start(self, encoder: SentenceEncoder) -> None:
        model = prompted(encoder.loaded_model, [encoder._resolve_readout()])
        prompts = model.prompts.with_default(model.prompt)
        super().__init__(
            modules=[ReadoutModule(encoder)],
            device=encoder._device_name,
            prompts=dict(prompts.texts),
            default_prompt_name=prompts.default,
            similarity_fn_name=encoder.similarity_fn_name,
        )
        self.eval()

    @property
    def encoder(self) -> SentenceEncoder:
        """What computes the vectors."""
        encoder: SentenceEncoder = self.get_submodule("0").encoder  # type: ignore[assignment]
        return encoder

    def encode(  # noqa: PLR0917 - the signature is theirs
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **options: Any,
    ) -> Any:
        """``Embedder.encode`` with this model's prompts and ``truncate_dim``.

        sentence-transformers' own ``encode`` runs in several processes, and where modules or hooks
        were added to the model: in batches of ``batch_size``.
        """
        texts = options.pop("sentences", inputs)
        arguments = {
            "batch_size": batch_size,
            "show_progress_bar": show_progress_bar,
            "output_value": output_value,
            "precision": precision,
            "convert_to_numpy": convert_to_numpy,
            "convert_to_tensor": convert_to_tensor,
            "device": device,
            "normalize_embeddings": normalize_embeddings,
            "truncate_dim": self._truncated(truncate_dim),
        }
        one_process = pool is None and not isinstance(device, list)
        plain = len(self) == 1 and not (self._forward_hooks or self._forward_pre_hooks)
        if one_process and plain and not options.keys() - {"task"}:
            prompt = self._resolve_prompt(prompt, prompt_name) or ""
            return self.encoder.encode(texts, prompt=prompt, **arguments)
        arguments |= {"prompt_name": prompt_name, "prompt": prompt}
        return super().encode(texts, pool=pool, chunk_size=chunk_size, **arguments, **options)

    def _truncated(self, truncate_dim: int | None) -> int | None:
        """Theirs may be larger than the vectors are wide."""
        truncate_dim = self.truncate_dim if truncate_dim is None else truncate_dim
        width = self.encoder._n_features_out
        return width if isinstance(truncate_dim, int) and truncate_dim > width else truncate_dim

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """Raises NotOfferedError for another way of pooling than the folder's."""
        pooled = self.encoder.loaded_model.prompts.pooled
        refuse(
            bool(include_prompt) != pooled,
            f"{include_prompt=}: this model's folder says {pooled}, in 1_Pooling/config.json",
        )

    def save(
        self,
        path: str | Path | None,
        model_name: str | None = None,
        create_model_card: bool = True,
        train_datasets: list[str] | None = None,
        safe_serialization: bool = True,
    ) -> None:
        """Write the export: a folder of stock modules, after comparing their vectors with these.

        It replaces a model's folder. Raises as ``poolwise.exports.export``: a readout that those
        modules cannot express, or a folder with other content.
        """
        if path is None:
            return
        refuse(
            self.truncate_dim is not None,
            f"a folder with truncate_dim={self.truncate_dim}: the step |truncate(k) has one",
        )
        refuse(len(self) > 1, "a folder with modules that were added: save before adding them")
        readout = replace(self.encoder.fitted_readout(), prompt=None)  # it is among the prompts
        export(self._model(), readout, path, force=True)
        if not create_model_card:
            (Path(path) / "README.md").unlink()

    save_pretrained = save

    def _model(self) -> Model:
        """The model with the prompts and the similarity that are set here."""
        model = self.encoder.loaded_model
        texts = {name: text or "" for name, text in self.prompts.items()}
        prompts = Prompts(texts, self.default_prompt_name, model.prompts.pooled)
        return replace(model, prompts=prompts, prompt=None, similarity=self.similarity_fn_name)

    def to(self, *args: Any, **options: Any) -> Self:
        """This model. Raises NotOfferedError for a GPU that poolwise's engine does not run on.

        Tensors are on the CPU wherever the engine runs.
        """
        target = args[0] if args else options.get("device")
        device = torch.device(target) if isinstance(target, str | int | torch.device) else None
        if device is not None and device.type != "cpu":
            self.encoder.to(device)
        moved: Self = super().to(*args, **options)
        return moved

    def train(self, mode: bool = True) -> Self:
        """Raises NotOfferedError for training: poolwise's engine gives no gradients."""
        refuse(
            bool(mode),
            "training: poolwise's engine gives no gradients; save_pretrained writes a folder that "
            "sentence_transformers.SentenceTransformer loads and trains, and poolwise tune trains "
            "a classifier",
        )
        trained: Self = super().train(mode)
        return trained

    def fit(self, *_: Any, **__: Any) -> None:
        """Raises NotOfferedError, as ``train``."""
        self.train()

    old_fit = fit
