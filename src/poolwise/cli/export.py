"""poolwise export: a readout as a folder for sentence-transformers, transformers or onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from poolwise.cli.fit_options import FIT_HELP, FIT_LIMIT, fit_notes
from poolwise.cli.options import (
    console,
    json_option,
    max_length_option,
    print_json,
    text_options,
)
from poolwise.exports import FORMATS, ExportResult, Format, export
from poolwise.model import load
from poolwise.records import Sentence
from poolwise.texts import open_texts
from poolwise.transforms.fitted_readout import SUFFIX, FittedReadout

CHECKED = 64
"""Texts of ``--check`` that are compared."""


@click.command("export")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write.",
)
@click.option(
    "-r",
    "--readout",
    "spec",
    help="A readout such as cls@4, or the readout.toml of a sweep. "
    "[default: what the model declares]",
)
@click.option(
    "--format",
    "folder_format",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="Stock modules; the encoder alone, cut to the layer that is read; or one graph from ids "
    "to vectors. Which libraries read which: docs/loaders.md.",
)
@click.option("--fit", metavar="TEXTS", help=FIT_HELP)
@click.option(
    "--check", metavar="TEXTS", help="Compare vectors on these texts too, the first 64 of them."
)
@click.option(
    "--quantize",
    is_flag=True,
    help="Write the graph in int8 as well, and tell what it loses on the texts of --check. "
    "[only with --format onnx]",
)
@text_options
@max_length_option
@click.option("--force", is_flag=True, help="Replace the model's folder that OUTPUT is.")
@json_option
def command(
    model: str,
    output: Path,
    spec: str | None,
    folder_format: Format,
    fit: str | None,
    check: str | None,
    quantize: bool,
    column: str | None,
    id_column: str | None,
    split: Any,
    encoding: str,
    max_text_bytes: int,
    max_length: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a readout of MODEL as a folder for sentence-transformers, transformers or onnxruntime.

    The folder is loaded once and compared with poolwise's own vectors before it appears; what such
    a folder cannot express is refused.

    \b
    poolwise export demo --readout cls@4 -o demo-cls4
    poolwise export demo --readout sweep/readout.toml -o chosen
    poolwise export demo --readout "mean@concat(2,-1)|l2" --format onnx -o graph
    poolwise export demo --readout "mean@-1|whiten(128)" --fit lines.txt -o whitened
    """
    file = Path(spec) if spec and spec.endswith(SUFFIX) else None
    readout = FittedReadout.of(spec) if spec else None
    text_source: dict[str, Any] = {
        "column": column,
        "id_column": id_column,
        "split": split,
        "encoding": encoding,
        "max_text_bytes": max_text_bytes,
    }
    fit_texts = open_texts([fit], limit=FIT_LIMIT, blank=False, **text_source) if fit else None
    check_texts: Iterable[Sentence] = (
        open_texts([check], limit=CHECKED, seed=None, **text_source) if check else ()
    )
    encoder = load(model, max_length=max_length)
    result = export(
        encoder,
        readout,
        output,
        format=folder_format,
        fit=fit_texts,
        check=[sentence.text for sentence in check_texts],
        quantize=quantize,
        findings=file.with_name("findings.json") if file else None,
        force=force,
        progress=True,
    )
    verdict = (
        f"{output}: {result.readout} as {' → '.join(result.modules)}, {result.blocks} of "
        f"{result.depth} blocks; {result.reader} gives poolwise's vectors of {result.texts} "
        f"texts to {result.difference:.0e} of their largest value"
    )
    if as_json:
        from poolwise.api.embed import fit_provenance  # noqa: PLC0415 - beside its only use

        print_json(
            {
                "verdict": verdict,
                "output": str(output),
                "format": folder_format,
                "readout": str(result.readout),
                "modules": result.modules,
                "blocks": result.blocks,
                "of": result.depth,
                "width": result.width,
                "difference": result.difference,
                "texts": result.texts,
                "misreadings": [asdict(each) for each in result.misreadings],
                "quantized": result.quantized and asdict(result.quantized),
                "made": {**encoder.provenance(), **fit_provenance(fit_texts)},
            }
        )
        return
    console().print(verdict, soft_wrap=True)
    if result.quantized:
        console().print(f"  {result.quantized}", soft_wrap=True)
    for line in _loader_notes(result):
        console().print(f"  {line}", soft_wrap=True)
    for line in fit_notes(fit_texts):
        console().print(f"  {line}", soft_wrap=True)


def _loader_notes(result: ExportResult) -> Iterator[str]:
    """A sentence on each group of loaders that leave out the same."""
    loaders: dict[tuple[str, ...], list[str]] = {}
    for each in result.misreadings:
        loaders.setdefault(each.omits, []).append(each.loader)
    for omits, names in loaders.items():
        yield f"Libraries that leave out {' and '.join(omits)}: {'; '.join(names)}."
    if loaders:
        yield "They raise no error; README.md in the folder says what to use instead."
