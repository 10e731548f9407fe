"""From a model and a readout to a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from poolwise.encoders import Encoder
from poolwise.encoders.modules.modules import POOLWISE_JSON, read_modules
from poolwise.encoders.saving import write_encoder, write_json, write_prompts
from poolwise.encoders.variants.truncate_depth import truncate_depth
from poolwise.errors import EncoderError, needs
from poolwise.exports.card import card
from poolwise.exports.check import (
    check_texts,
    onnxruntime_differs,
    own_vectors,
    sentence_transformers_differ,
    transformers_differ,
)
from poolwise.exports.evidence import evidence
from poolwise.exports.folder import model_folder
from poolwise.exports.onnx_files import GRAPH, write_framing_tokenizer
from poolwise.exports.stack import alone, stacked
from poolwise.exports.stack_files import write_stack
from poolwise.files import os_errors_as
from poolwise.model import Model
from poolwise.progress import waiting
from poolwise.readouts import Readout, parse
from poolwise.records import Floats, Sentence
from poolwise.transforms import Transform, stateless
from poolwise.transforms.fitted_readout import AnyReadout, prompted

Format = Literal["sentence-transformers", "transformers", "onnx"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: ``blocks`` of ``of`` are left; ``difference`` is the round trip's.

    That is the largest difference from poolwise's own vectors of ``texts`` texts, as a share of
    their largest value, when ``reader`` loads the folder.
    """

    folder: Path
    format: Format
    readout: Readout
    modules: tuple[str, ...]
    blocks: int
    of: int
    width: int
    difference: float
    texts: int

    @property
    def reader(self) -> str:
        """The library that the format is for."""
        return "onnxruntime" if self.format == "onnx" else self.format


def export(
    model: Model,
    readout: AnyReadout | None,
    folder: str | Path,
    *,
    format: Format = "sentence-transformers",  # noqa: A002 - what the command line calls it
    fit: Iterable[str | Sentence] | None = None,
    check: Sequence[str] = (),
    findings: Path | None = None,
    force: bool = False,
    progress: bool = False,
) -> Exported:
    """Write ``readout`` of ``model`` as a folder that others load, after loading it once.

    ``sentence-transformers`` gives its stock modules, ``transformers`` the encoder alone, cut to
    the layer that is read, ``onnx`` one graph from ids to vectors. Steps are fitted already in a
    FittedReadout, or are fitted on ``fit``. The folder is compared with poolwise's own vectors of
    a few texts and of those in ``check``, and appears whole or not at all; ``force`` replaces a
    model's folder. ``findings`` is a sweep's findings.json, whose verdict on this readout goes into
    the model card. ``progress`` shows bars on stderr where that is a terminal.

    Raises ReadoutError for a readout that cannot be expressed, StoreError where the folder cannot
    be written or reads back otherwise, MissingExtraError without what writes and reads it.
    """
    if model.arrangement is not None:
        raise EncoderError(f"{model.name}: no folder can hold tokens in another order")
    chosen = model.resolve_readout(readout)
    chosen.check_model(model.hash)
    model, spec = prompted(model, [chosen]), chosen.readout
    with model_folder(Path(folder), replace=force, never=model.folder) as partial:
        steps = (chosen.transform or _fitted(model, spec, fit, progress)).on(model.dense_stack)
        steps.check_fitted()
        asked = _Asked(model, spec, steps, (*check_texts(model), *check))
        with (
            waiting(f"writing {folder} and reading it back", show=progress),
            os_errors_as(Path(folder)),
        ):
            written = _WRITERS[format](asked, partial)
            made = Exported(
                folder=Path(folder),
                format=format,
                readout=spec,
                modules=written.modules,
                blocks=written.left.depth,
                of=model.depth,
                width=model.width_of(spec),
                difference=written.difference,
                texts=len(asked.texts),
            )
            page = card(made, model, written.left, evidence(chosen, findings, model.hash))
            (partial / "README.md").write_text(page, encoding="utf-8")
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """``steps`` are the readout's, fitted; ``texts`` are those of the round trip."""

    model: Model
    readout: Readout
    steps: Transform
    texts: Sequence[str]

    def vectors(self) -> Floats:
        return own_vectors(self.model, self.texts, self.readout, self.steps)


def _fitted(
    model: Model, readout: Readout, texts: Iterable[str | Sentence] | None, progress: bool
) -> Transform:
    return stateless(readout) if texts is None else model.fit(texts, readout, progress=progress)


class _Written(NamedTuple):
    """What a writer has put into the folder, with what is ``left`` of the encoder."""

    modules: tuple[str, ...]
    left: Encoder
    difference: float


def _sentence_transformers(asked: _Asked, folder: Path) -> _Written:
    model, source = asked.model, read_modules(asked.model.folder)
    stack = stacked(model, asked.readout, asked.steps)
    left = truncate_depth(model, stack.blocks)
    write_encoder(left, folder, source.transformer, hidden_states=stack.mixes)
    write_stack(stack, left, folder, lower_case=source.transformer.lower_case)
    steps = asked.readout.steps
    differ = sentence_transformers_differ(folder, asked.texts, asked.vectors(), steps)
    return _Written(stack.names, left, differ)


def _transformers(asked: _Asked, folder: Path) -> _Written:
    model = asked.model
    stack = alone(model, asked.readout)
    left = truncate_depth(model, stack.blocks)
    write_encoder(left, folder, read_modules(model.folder).transformer, hidden_states=False)
    write_prompts(left, folder)
    write_json(folder / POOLWISE_JSON, _about(asked.readout, left))
    pooled = asked.vectors() if asked.readout.pool.kind == "pooler" else None
    differ = transformers_differ(folder, model, left, asked.texts, pooled)
    return _Written(stack.names, left, differ)


def _about(readout: Readout, left: Encoder) -> dict[str, Any]:
    """What poolwise reads of an encoder's folder that has no modules."""
    last = None if readout.layers is None else parse(f"{readout.pool}@-1").layers
    pooled = {} if left.prompts.pooled else {"prompt_pooled": False}
    return {"readout": str(replace(readout, layers=last)), **pooled}


def _onnx(asked: _Asked, folder: Path) -> _Written:
    with needs("onnx", "writing an ONNX graph"):
        from poolwise.exports.onnx_graph import ReadoutGraph, write_graph  # noqa: PLC0415 - torch

    model = asked.model
    graph = ReadoutGraph(model, asked.readout, asked.steps)
    about = {"readout": str(asked.readout), "source_model_hash": model.hash}
    write_graph(graph, folder / GRAPH, about)
    write_framing_tokenizer(model, folder)
    write_prompts(model, folder)
    steps = asked.readout.steps
    texts = [model.prefix + text for text in asked.texts]
    differ = onnxruntime_differs(folder, texts, asked.vectors(), steps)
    return _Written((GRAPH,), graph.encoder, differ)


_WRITERS: Mapping[Format, Callable[[_Asked, Path], _Written]] = {
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "onnx": _onnx,
}
