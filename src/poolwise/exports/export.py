"""From a model and a readout to a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from poolwise.encoders import Encoder
from poolwise.encoders.modules.modules import POOLWISE_JSON, read_modules
from poolwise.encoders.saving import write_encoder, write_json, write_prompts
from poolwise.encoders.variants.truncate_depth import truncate_depth
from poolwise.errors import EncoderError, OptionError, needs
from poolwise.exports.card import card
from poolwise.exports.check import (
    check_texts,
    own_vectors,
    sentence_transformers_differ,
    transformers_differ,
)
from poolwise.exports.evidence import evidence
from poolwise.exports.folder import model_folder
from poolwise.exports.loaders import misreadings
from poolwise.exports.modules import Module
from poolwise.exports.onnx_check import onnxruntime_differs
from poolwise.exports.onnx_files import GRAPH, write_config, write_framing_tokenizer
from poolwise.exports.result import ExportResult, Format, QuantizedGraph
from poolwise.exports.stack import encoder_stack, module_stack
from poolwise.exports.stack_files import write_modules, write_settings
from poolwise.files import os_errors_as
from poolwise.model import Model
from poolwise.progress import waiting
from poolwise.readouts import Readout, parse
from poolwise.records import Floats, Sentence
from poolwise.transforms import Transform, stateless
from poolwise.transforms.fitted_readout import AnyReadout, prompted


def export(
    model: Model,
    readout: AnyReadout | None,
    folder: str | Path,
    *,
    format: Format = "sentence-transformers",  # noqa: A002 - what the command line calls it
    fit: Iterable[str | Sentence] | None = None,
    check: Sequence[str] = (),
    quantize: bool = False,
    findings: Path | None = None,
    force: bool = False,
    progress: bool = False,
) -> ExportResult:
    """Write ``readout`` of ``model`` as a folder that others load, after loading it once.

    ``sentence-transformers`` gives its stock modules, ``transformers`` the encoder alone, cut to
    the layer that is read, ``onnx`` one graph from ids to vectors. Steps are fitted already in a
    FittedReadout, or are fitted on ``fit``. The folder is compared with poolwise's own vectors of
    a few texts and of those in ``check``, and appears whole or not at all; ``force`` replaces a
    model's folder. ``quantize`` adds the ONNX graph in int8, and measures what it loses: on
    ``check``, or else on those few texts. ``findings`` is a sweep's findings.json, whose verdict on
    this readout goes into the model card. ``progress`` shows bars on stderr where that is a
    terminal.

    Raises ReadoutError for a readout that cannot be expressed, StoreError where the folder cannot
    be written or reads back otherwise, MissingExtraError without what writes and reads it,
    OptionError for ``quantize`` in another format.
    """
    if quantize and format != "onnx":
        raise OptionError(f"quantize is for the format onnx alone, and the format is {format}")
    if model.arrangement is not None:
        raise EncoderError(f"{model.name}: no folder can hold tokens in another order")
    fitted = model.resolve_readout(readout)
    fitted.check_model(model.hash)
    model, parsed = prompted(model, [fitted]), fitted.readout
    with model_folder(Path(folder), replace=force, never=model.folder) as partial:
        steps = (fitted.transform or _fitted(model, parsed, fit, progress)).on(model.dense_stack)
        steps.check_fitted()
        request = _Request(model, parsed, steps, check, quantize)
        with (
            waiting(f"writing {folder} and reading it back", show=progress),
            os_errors_as(Path(folder)),
        ):
            output = _WRITERS[format](request, partial)
            result = ExportResult(
                folder=Path(folder),
                format=format,
                readout=parsed,
                modules=output.names,
                blocks=output.encoder.depth,
                depth=model.depth,
                width=model.width_of(parsed),
                difference=output.difference,
                texts=len(request.texts),
                misreadings=misreadings(format, output.modules, prompt=model.prefix),
                quantized=output.quantized,
            )
            lines = evidence(fitted, findings, model.hash)
            page = card(result, model, output.encoder, lines)
            (partial / "README.md").write_text(page, encoding="utf-8")
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """What to write: ``steps`` are the readout's, fitted; ``check`` are the caller's own texts."""

    model: Model
    readout: Readout
    steps: Transform
    check: Sequence[str]
    quantize: bool

    @property
    def texts(self) -> list[str]:
        """The texts of the round trip, the caller's last."""
        return [*check_texts(self.model), *self.check]

    def vectors(self) -> Floats:
        return own_vectors(self.model, self.texts, self.readout, self.steps)


def _fitted(
    model: Model, readout: Readout, texts: Iterable[str | Sentence] | None, progress: bool
) -> Transform:
    return stateless(readout) if texts is None else model.fit(texts, readout, progress=progress)


class _Output(NamedTuple):
    """What a writer has put into the folder.

    ``first`` is the encoder's module or graph, ``modules`` follow it; ``encoder`` is cut to what
    the readout reads.
    """

    first: str
    modules: tuple[Module, ...]
    encoder: Encoder
    difference: float
    quantized: QuantizedGraph | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The classes of all modules, the encoder's first."""
        return (self.first, *(module.kind for module in self.modules))


def _sentence_transformers(request: _Request, folder: Path) -> _Output:
    model, source = request.model, read_modules(request.model.folder)
    stack = module_stack(model, request.readout, request.steps)
    encoder = truncate_depth(model, stack.blocks)
    write_encoder(encoder, folder, source.transformer, hidden_states=stack.mixes_layers)
    write_modules(stack.modules, folder)
    write_settings(encoder, folder, lower_case=source.transformer.lower_case)
    steps = request.readout.steps
    difference = sentence_transformers_differ(folder, request.texts, request.vectors(), steps)
    return _Output("Transformer", stack.modules, encoder, difference)


def _transformers(request: _Request, folder: Path) -> _Output:
    model, source = request.model, read_modules(request.model.folder).transformer
    stack = encoder_stack(model, request.readout)
    encoder = truncate_depth(model, stack.blocks)
    write_encoder(encoder, folder, source, hidden_states=False)
    if stack.modules:  # for loaders that pool, and would assume the mean
        write_modules(stack.modules, folder)
        write_settings(encoder, folder, lower_case=source.lower_case)
    else:
        write_prompts(encoder, folder)
        write_json(folder / POOLWISE_JSON, _about(request.readout, encoder))
    pooled = request.vectors() if request.readout.pool.kind == "pooler" else None
    difference = transformers_differ(folder, model, encoder, request.texts, pooled)
    return _Output("Transformer", stack.modules, encoder, difference)


def _about(readout: Readout, encoder: Encoder) -> dict[str, Any]:
    """What poolwise reads of an encoder's folder that has no modules."""
    last = None if readout.layers is None else parse(f"{readout.pool}@-1").layers
    pooled = {} if encoder.prompts.pooled else {"prompt_pooled": False}
    return {"readout": str(replace(readout, layers=last)), **pooled}


def _onnx(request: _Request, folder: Path) -> _Output:
    with needs("onnx", "writing an ONNX graph"):
        from poolwise.exports.onnx_graph import write_graph  # noqa: PLC0415 - torch
        from poolwise.exports.onnx_quantization import quantize  # noqa: PLC0415
        from poolwise.exports.onnx_readout import ReadoutGraph  # noqa: PLC0415

    model, source = request.model, read_modules(request.model.folder).transformer
    graph = ReadoutGraph(model, request.readout, request.steps)
    about = {"readout": str(request.readout), "source_model_hash": model.hash}
    written = write_graph(graph, folder / GRAPH, about)
    write_config(graph.encoder, folder, source, [GRAPH] if written.external else [])
    write_framing_tokenizer(model, folder, source)
    write_settings(model, folder, lower_case=False)  # which tokenizer.json does
    if graph.stock_modules:
        write_modules(graph.stock_modules, folder)
    texts = [model.prefix + text for text in request.texts]
    vectors, steps = request.vectors(), request.readout.steps
    difference = onnxruntime_differs(folder, graph.stock_modules, texts, vectors, steps)
    measured = slice(-len(request.check), None)  # all of them where there are none of the caller's
    quantized = (
        quantize(folder, written.encoder_nodes, texts[measured], vectors[measured])
        if request.quantize
        else None
    )
    return _Output(GRAPH, graph.stock_modules, graph.encoder, difference, quantized)


_WRITERS: Mapping[Format, Callable[[_Request, Path], _Output]] = {
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "onnx": _onnx,
}
