"""poolwise export: a readout as a folder that others load."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from poolwise.cli.fit_options import FIT_HELP, FIT_LIMIT, fitted_texts, told_of_fit
from poolwise.cli.options import (
    console,
    json_option,
    max_length_option,
    print_json,
    text_options,
)
from poolwise.exports import FORMATS, Format, export
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
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="Stock modules; the encoder alone, cut to the layer that is read; or one graph from ids "
    "to vectors, for onnxruntime.",
)
@click.option("--fit", metavar="TEXTS", help=FIT_HELP)
@click.option(
    "--check", metavar="TEXTS", help="Compare vectors on these texts too, the first 64 of them."
)
@text_options
@max_length_option
@click.option("--force", is_flag=True, help="Replace the model's folder that OUTPUT is.")
@json_option
def command(
    model: str,
    output: Path,
    spec: str | None,
    form: Format,
    fit: str | None,
    check: str | None,
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
    where: dict[str, Any] = {
        "column": column,
        "id_column": id_column,
        "split": split,
        "encoding": encoding,
        "max_text_bytes": max_text_bytes,
    }
    fitted_on = open_texts([fit], limit=FIT_LIMIT, blank=False, **where) if fit else None
    checked: Iterable[Sentence] = (
        open_texts([check], limit=CHECKED, seed=None, **where) if check else ()
    )
    encoder = load(model, max_length=max_length)
    made = export(
        encoder,
        readout,
        output,
        format=form,
        fit=fitted_on,
        check=[sentence.text for sentence in checked],
        findings=file.with_name("findings.json") if file else None,
        force=force,
        progress=True,
    )
    verdict = (
        f"{output}: {made.readout} as {' → '.join(made.modules)}, {made.blocks} of {made.depth} "
        f"blocks; {made.reader} gives poolwise's vectors of {made.texts} texts to "
        f"{made.difference:.0e} of their largest value"
    )
    if as_json:
        print_json(
            {
                "verdict": verdict,
                "output": str(output),
                "format": form,
                "readout": str(made.readout),
                "modules": made.modules,
                "blocks": made.blocks,
                "of": made.depth,
                "width": made.width,
                "difference": made.difference,
                "texts": made.texts,
                "made": {**encoder.provenance(), **fitted_texts(fitted_on)},
            }
        )
        return
    console().print(verdict, soft_wrap=True)
    for line in told_of_fit(fitted_on):
        console().print(f"  {line}", soft_wrap=True)
