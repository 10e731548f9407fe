"""The command line: one file a command, and the only place that catches PoolwiseError."""

from __future__ import annotations

import json
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from poolwise.cli import interruption, streams
from poolwise.cli.os_errors import as_poolwise_errors
from poolwise.errors import PoolwiseError, PoolwiseWarning, bounded
from poolwise.escaping import escape_control, escape_control_lines

COMMANDS = {
    "embed": "Texts in, vectors out: Parquet, npy or safetensors.",
    "verify": "Say whether a corpus job's parts are what was made; make wrong ones again.",
    "search": "The rows of a corpus job that are nearest to a text.",
    "sweep": "Measure every layer, pool and step on your data; write the winner.",
    "ask": "Answer a question about an encoder by measuring it on your text.",
    "reproduce": "Run a published protocol and compare its figures.",
    "predict": "Tell labels with a fine-tuned checkpoint: lines, CSV, JSONL or Parquet.",
    "serve": "Serve readouts over HTTP: OpenAI's, TEI's, Ollama's and other clients.",
    "doctor": "Which readout made these vectors: of a server, in a file, of a folder.",
    "inspect": "One or several sentences, seen from inside; as a page too.",
    "layers": "What each hidden state of an encoder is, and which readouts exist.",
    "tune": "Fine-tune over several readouts and compare: same rows, same budget.",
    "export": "A readout as a folder that sentence-transformers or transformers loads.",
    "convert": "Turn a folder with a pickle (pytorch_model.bin) into a safe one.",
}

EXIT_CODES = {
    0: "Done; also where the reader of a pipe has read enough, as with | head.",
    1: "The machine refuses something: memory, a file's rights, a limit.",
    2: "The command line, or a readout, cannot be understood.",
    3: "The model cannot be found, read or trusted.",
    4: "The texts cannot be found or read.",
    5: "The output cannot be written, or what poolwise wrote cannot be read back.",
    6: "An optional part is not installed.",
    7: "The data cannot answer the question.",
    8: "A server cannot be reached, or answers with an error.",
    9: "Vectors are not what the model declares, of no known readout, or not another server's.",
    10: "The vectors of a server are not what they were.",
    130: "Interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP.",
}
"""One for each kind of error in ``poolwise.errors``, whose sentence is on stderr; 9 is doctor's."""

_HELP = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""The help, raised as an error where nothing is asked; click 8.1 prints it."""

_show_warning_default = warnings.showwarning


class Commands(click.Group):
    """Loads a command's file only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"poolwise.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        if ctx.resilient_parsing:  # a shell asks for completions
            from poolwise.cli.completion import with_completions  # noqa: PLC0415 - for shells only

            return with_completions(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, which imports every command for its line of help."""
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name]) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Convert errors here too: click takes any broken pipe, such as one to a process of our
        own, for that of stdout, and exits without a message."""
        with as_poolwise_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Not eager, so that the two options beside it have been read."""
    if ctx.resilient_parsing:  # a shell asks for completions
        return
    verbose, as_json = ctx.params["verbose"], ctx.params["as_json"]
    if wanted:
        from poolwise.cli.version import show_version  # noqa: PLC0415 - not for every command

        show_version(verbose, as_json)
        ctx.exit()
    if verbose or as_json:
        raise click.UsageError(
            "--verbose and --json stand here beside --version only: poolwise --version --verbose; "
            "a command's --json stands after its name"
        )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version and exit.",
)
@click.option(
    "--verbose",
    is_flag=True,
    is_eager=True,
    help="Beside --version: the machine, the native engine and the packages as well.",
)
@click.option("--json", "as_json", is_flag=True, is_eager=True, help="Beside --version: as JSON.")
def poolwise(**_: bool) -> None:
    """Measure how a sentence should be read out of a BERT-style encoder.

    MODEL is a local folder, a Hugging Face hub id, or "demo". A readout is a short string such as
    mean@-1, cls@4, pooler or mean@avg(1,-1)|l2.

    \b
    poolwise embed demo reviews.csv --column text -o reviews.parquet --readout mean@-1
    poolwise sweep demo --pairs sts-dev.csv -o sweep
    poolwise ask length demo --texts novel.txt --split sentences -o report
    """


def main() -> None:
    """Run a command; print errors as a sentence and exit with their code."""
    warnings.showwarning = _show_warning
    streams.prepare()
    try:
        with as_poolwise_errors():
            # What a command gives to click's Exit.
            code = poolwise(standalone_mode=False, windows_expand_args=False)
            sys.stdout.flush()  # raises if the disk is full
        if code:
            sys.exit(code)
    except PoolwiseError as error:
        sys.exit(_fail(str(error), error.exit_code))
    except click.ClickException as error:
        if not isinstance(error, _HELP):
            vars(error)["message"] = escape_control(error.message)  # Final in click's types
        error.show()
        sys.exit(_document(error.format_message(), error.exit_code))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, click.Abort) as stopped:
        sys.exit(_fail(interruption.message(stopped), interruption.exit_code(stopped)))
    except streams.StdoutClosed:  # as with `| head`
        sys.exit(0)
    finally:
        streams.discard_unwritten()


def _show_warning(
    message: Warning | str, category: type[Warning], *details: Any, **options: Any
) -> None:
    """Print poolwise's warnings on stderr as a sentence; others as Python does."""
    if issubclass(category, PoolwiseWarning):
        print(f"poolwise: {bounded(str(message))}", file=sys.stderr)
    else:
        _show_warning_default(escape_control_lines(str(message)), category, *details, **options)


def _fail(message: str, exit_code: int) -> int:
    """Print the message on stderr."""
    print(f"poolwise: {message}", file=sys.stderr)
    return _document(message, exit_code)


def _document(message: str, exit_code: int) -> int:
    """To a caller of ``--json`` the error is the one document on stdout."""
    if "--json" in sys.argv:
        with suppress(PoolwiseError, streams.StdoutClosed):  # stdout may be what is wrong
            print(json.dumps({"error": message, "exit_code": exit_code}), flush=True)
    return exit_code
