"""poolwise convert: a folder with a pickle becomes a safe one."""

from __future__ import annotations

from pathlib import Path

import click

from poolwise.cli.options import console, json_option, print_json
from poolwise.encoders import load
from poolwise.encoders.conversion import convert


@click.command("convert")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, output: Path, as_json: bool) -> None:
    """Write OUTPUT: the encoder of FOLDER with its weights as safetensors.

    pytorch_model.bin is a pickle. It is read with weights_only, in a process of its own, and
    nothing else in poolwise reads pickles.
    """
    convert(folder, output)
    encoder = load(output)
    verdict = f"{output}: {encoder.family.name}, {encoder.depth} blocks, width {encoder.width}"
    if as_json:
        print_json({"verdict": verdict, "output": str(output), "model_hash": encoder.hash})
    else:
        console().print(verdict, markup=False)
