"""Libraries that load an export without an error and leave out a part of it.

Seen with sentence-transformers 5.7 and 6.2, transformers 5.24, txtai 9.14, fastembed 0.9,
transformers.js 4.3 and optimum-onnx 0.1, which ``benchmarks/loaders.py`` runs, and read in the
sources of llama.cpp's converter and of text-embeddings-inference 1.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from poolwise.exports.modules import Module
from poolwise.exports.result import Format, Misreading
from poolwise.readouts import POOLING_MODES, PoolingMode

_ALL_MODES = frozenset(POOLING_MODES)
_MEAN_OR_ROW: frozenset[PoolingMode] = frozenset({"cls_token", "mean_tokens", "lasttoken"})
_ALL_MODULES = frozenset({"WeightedLayerPooling", "Dense", "LayerNorm", "Normalize"})

_MODULE_NAMES = {
    "WeightedLayerPooling": "all layers but the last",
    "Dense": "Dense",
    "LayerNorm": "LayerNorm",
}

_NO_MODULE = "the format onnx"
"""What gives a pool that no module has."""

_OUTPUT = "the output sentence_embedding"


@dataclass(frozen=True, slots=True)
class Loader:
    """How a library reads a folder.

    ``modules`` are those behind the encoder that it applies or refuses; all can normalise last. It
    pools by one of ``modes``; ``joins_pools`` if it sets the vectors of several side by side. Where
    the folder names none of them it takes ``default_mode``, or refuses the folder if that is None.
    ``adds_prompt`` if the default prompt is put before every text. ``instead`` is what to use for
    the whole readout.
    """

    name: str
    instead: str
    modules: frozenset[str] = frozenset()
    modes: frozenset[PoolingMode] = _ALL_MODES
    joins_pools: bool = False
    default_mode: PoolingMode | None = None
    adds_prompt: bool = False


_SENTENCE_TRANSFORMERS = Loader(
    "sentence-transformers",
    "",
    modules=_ALL_MODULES,
    joins_pools=True,
    default_mode="mean_tokens",
    adds_prompt=True,
)
_TRANSFORMERS = Loader(
    "transformers (AutoModel, pipeline)", "sentence-transformers", joins_pools=True
)
_OPTIMUM = "optimum, by its pipeline"
_OTHERS = (
    Loader(_OPTIMUM, "sentence-transformers, or the format onnx", joins_pools=True),
    Loader(
        'sentence-transformers with backend="onnx" or "openvino"',
        "the default backend, or the format onnx",
        modules=_ALL_MODULES - {"WeightedLayerPooling"},
        joins_pools=True,
        default_mode="mean_tokens",
        adds_prompt=True,
    ),
    Loader(
        "txtai, by default",
        'Embeddings(path=…, method="sentence-transformers")',
        modes=_MEAN_OR_ROW | {"max_tokens"},
        default_mode="mean_tokens",
    ),
    Loader(
        "text-embeddings-inference",
        "the format onnx; --default-prompt for a prompt",
        modules=frozenset({"Dense"}),
        modes=_MEAN_OR_ROW,
    ),
    Loader(
        "llama.cpp (GGUF)",
        "sentence-transformers",
        modules=frozenset({"WeightedLayerPooling"}),
        modes=_MEAN_OR_ROW,
    ),
)

LOADERS: Mapping[Format, tuple[Loader, ...]] = {
    "sentence-transformers": (_TRANSFORMERS, *_OTHERS),
    "transformers": (_SENTENCE_TRANSFORMERS, *_OTHERS),
    "onnx": (
        Loader("fastembed", _OUTPUT, modes=_MEAN_OR_ROW),
        Loader("transformers.js, by its pipeline", _OUTPUT, modes=_MEAN_OR_ROW),
        Loader(_OPTIMUM, _OUTPUT, joins_pools=True),
        # It reads the output sentence_embedding, and starts only with one of these modes.
        Loader(
            "text-embeddings-inference",
            "--default-prompt",
            modules=_ALL_MODULES,
            modes=_MEAN_OR_ROW,
            joins_pools=True,
        ),
        Loader(
            "txtai, the graph's file",
            'Embeddings(path=…, method="sentence-transformers", vectors={"backend": "onnx"})',
            modes=frozenset({"mean_tokens"}),
            default_mode="mean_tokens",
        ),
    ),
}


def misreadings(form: Format, modules: Sequence[Module], *, prompt: str) -> tuple[Misreading, ...]:
    """The loaders that read a folder otherwise than it is meant, without an error.

    ``modules`` are those written behind the encoder, none where the pool is not theirs; ``prompt``
    is the folder's default prompt.
    """
    if form == "onnx" and not modules:
        return ()  # the graph has no token vectors to be pooled
    omissions = ((loader, tuple(_omissions(loader, modules, prompt))) for loader in LOADERS[form])
    return tuple(
        Misreading(loader.name, omitted, loader.instead if modules else _NO_MODULE)
        for loader, omitted in omissions
        if omitted
    )


def _omissions(loader: Loader, modules: Sequence[Module], prompt: str) -> Iterator[str]:
    modes = [mode for module in modules for mode in POOLING_MODES if _pools_by(module, mode)]
    has_mode = not loader.modes.isdisjoint(modes)
    if not has_mode and loader.default_mode is None:
        return  # it refuses the folder
    for kind, name in _MODULE_NAMES.items():
        if kind not in loader.modules and any(module.kind == kind for module in modules):
            yield name
    before_last = [module.kind for module, _ in pairwise(modules)]
    if "Normalize" not in loader.modules and "Normalize" in before_last:
        yield "Normalize before the last module"
    if not has_mode and loader.default_mode:
        yield f"the pool, for which it takes {POOLING_MODES[loader.default_mode]}"
    elif len(modes) > 1 and not loader.joins_pools:
        yield "all pools but one"
    if prompt and not loader.adds_prompt:
        yield "the prompt"


def _pools_by(module: Module, mode: PoolingMode) -> bool:
    return module.config.get(f"pooling_mode_{mode}") is True
