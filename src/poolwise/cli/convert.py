"""poolwise convert: a folder with a pickle, or for TensorFlow, becomes one that is read."""

from __future__ import annotations

from pathlib import Path

import click

from poolwise.cli.options import console, json_option, print_json
from poolwise.encoders import load
from poolwise.encoders.conversion.conversion import convert
from poolwise.encoders.untrusted_files import safe_name


@click.command("convert")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, output: Path, as_json: bool) -> None:
    """Write OUTPUT: the model of FOLDER with its weights as safetensors.

    pytorch_model.bin is a pickle. It is never unpickled: a process of its own reads which tensors
    it holds, and then only their bytes. tf_model.h5, weights for TensorFlow, is read too. All
    other files are copied, but for code, other pickles and other kinds of weights.
    """
    omitted_files = convert(folder, output)
    encoder = load(output)
    verdict = f"{output}: {encoder.family.name}, {encoder.depth} blocks, width {encoder.width}"
    if as_json:
        document = {"verdict": verdict, "output": str(output), "model_hash": encoder.hash}
        print_json(document | {"left_out": list(omitted_files)})
    else:
        console().print(verdict)
        if omitted_files:
            console().print(f"Left out: {', '.join(map(safe_name, omitted_files))}")
