"""poolwise serve: readouts over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.options import console, max_length_option
from poolwise.errors import OptionError, needs

if TYPE_CHECKING:
    from poolwise.serving.config import ServeConfig
    from poolwise.serving.startup import Listening


@click.command("serve")
@click.argument("models", nargs=-1, metavar="[NAME=]MODEL...")
@click.option(
    "-r",
    "--readout",
    "readouts",
    multiple=True,
    metavar="READOUT",
    help="Served of every MODEL, the first as its default: mean@-1, or a sweep's readout.toml. "
    "Requests may name any other that needs no fit. [default: what the model declares]",
)
@click.option("--host", help="The address to listen at. [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="0 takes a free one and prints it. [default: 8080]",
)
@click.option(
    "--ollama-port",
    type=click.IntRange(0, 65535),
    help="A second port, at which / says that Ollama is running: 11434 is Ollama's own.",
)
@click.option(
    "--api-key-file",
    metavar="FILE",
    help="Keys, one a line; a request must bring one of them.",
)
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without a key.")
@click.option(
    "--precision",
    type=click.Choice(["exact", "near", "fast"]),
    help="float32, fp16 or int16, int8 or int16. [default: exact]",
)
@max_length_option
@click.option(
    "--accept-token-ids",
    is_flag=True,
    help="OpenAI's routes take token ids of the model's own tokenizer.",
)
@click.option(
    "--shorten",
    is_flag=True,
    help="OpenAI's routes take dimensions: the model was trained to be cut.",
)
@click.option(
    "--bert-as-service",
    is_flag=True,
    help="Serve clients of bert-as-service too, at ports 5555 and 5556, with its own defaults.",
)
@click.option(
    "--bert",
    "bert_flags",
    multiple=True,
    metavar="FLAG=VALUE",
    help="A flag of bert-as-service: pooling_layer=-1, pooling_strategy=CLS_TOKEN, port=6555; in "
    "a serve.toml, the table [bert_as_service].",
)
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A serve.toml with all of this and every limit; options here come before it.",
)
def command(
    models: tuple[str, ...],
    readouts: tuple[str, ...],
    host: str | None,
    port: int | None,
    ollama_port: int | None,
    api_key_file: str | None,
    insecure: bool,
    precision: str | None,
    max_length: int | None,
    accept_token_ids: bool,
    shorten: bool,
    bert_as_service: bool,
    bert_flags: tuple[str, ...],
    file: Path | None,
) -> None:
    """Serve readouts of MODEL... over HTTP until a signal ends it.

    A request's "model" is a served model, a readout, or both: demo, mean@-1, demo:mean@-2.

    \b
    poolwise serve demo
    poolwise serve demo -r mean@-1 -r sweep/readout.toml --port 8000
    poolwise serve en=./my-bert de=./my-german-bert --api-key-file keys.txt --host 0.0.0.0
    """
    with needs("serve", "a server"):
        from poolwise.serving.config import ServeConfig, read_config  # noqa: PLC0415
        from poolwise.serving.startup import serve  # noqa: PLC0415

    config = ServeConfig() if file is None else read_config(file)
    values = {
        "host": host,
        "port": port,
        "ollama_port": ollama_port,
        "api_key_file": api_key_file,
    }
    for name, value in values.items():
        if value is not None:
            setattr(config, name, value)
    config.insecure |= insecure
    settings = {
        "precision": precision,
        "accept_token_ids": accept_token_ids or None,
        "shorten": shorten or None,
    }
    config.settings |= {name: value for name, value in settings.items() if value is not None}
    if bert_as_service or bert_flags:
        config.bert_as_service = (config.bert_as_service or {}) | dict(map(_flag, bert_flags))
    if models or readouts or max_length is not None:
        _name_models(config, models, list(readouts), max_length)
    serve(config, _announce)


def _name_models(
    config: ServeConfig, models: tuple[str, ...], readouts: list[str], max_length: int | None
) -> None:
    """The models of the command line in place of the file's."""
    from poolwise.serving.config import ModelConfig  # noqa: PLC0415

    if not models:
        raise OptionError("--readout and --max-length are of MODEL..., and none is named")
    config.models = {}
    for value in models:
        name, _, path = value.rpartition("=")
        if Path(value).exists():
            name, path = "", value
        key = name or _name(path)
        if key in config.models:
            raise OptionError(f"two models are called {key}; give one another name: NAME={path}")
        config.models[key] = ModelConfig(model=path, readouts=readouts, max_length=max_length)


def _flag(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise OptionError(f"--bert {text!r:.60}: expected FLAG=VALUE, such as pooling_layer=-1")
    return name.lstrip("-"), value


def _name(model: str) -> str:
    """A folder's last name, a hub id as it is."""
    return Path(model).resolve().name if Path(model).is_dir() else model


def _announce(listening: Listening) -> None:
    """What is served, where, and a line to try."""
    out: Any = console()
    for served in listening.catalogue.models:
        engine = served.model.engine_for(served.precision)
        out.print(
            f"{served.name}: {served.model.depth} blocks, {served.max_length} tokens, "
            f"{engine.name} engine, {engine.precision}",
            soft_wrap=True,
        )
        for number, (name, readout) in enumerate(served.readouts.items()):
            default = " (default)" if not number else ""
            spec = "" if str(readout) == name else f": {readout}"
            out.print(f"  {name}{spec}: {readout.width} dimensions{default}", soft_wrap=True)
    if listening.bert:
        out.print(listening.bert, soft_wrap=True)
    key = ' -H "Authorization: Bearer $KEY"' if listening.has_key else ""
    out.print(f"serving at {listening.url}; Ctrl-C stops", soft_wrap=True)
    if listening.ollama_url is not None:
        out.print(f"for Ollama's clients at {listening.ollama_url}", soft_wrap=True)
    out.print("try it:", soft_wrap=True)
    out.print(
        f"  curl {listening.url}/v1/embeddings{key} -H 'Content-Type: application/json' "
        f"""-d '{{"input": "hello", "model": "{listening.catalogue.models[0].name}"}}'""",
        soft_wrap=True,
    )
