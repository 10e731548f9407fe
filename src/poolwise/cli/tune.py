"""poolwise tune: the same training over several readouts, compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from poolwise.cli.data_options import dev_option, label_column_option, test_option
from poolwise.cli.options import (
    RowLimit,
    console,
    json_option,
    max_length_option,
    max_text_option,
    print_json,
    prompt_options,
    sample_option,
    seed_option,
)
from poolwise.cli.terminal import print_finding
from poolwise.model import load
from poolwise.progress import waiting
from poolwise.texts import LABEL_KINDS, LabelKind, open_labels
from poolwise.tuning.records import TrainingOptions

if TYPE_CHECKING:
    from poolwise.tuning.comparison import TuneResult

DEFAULTS = TrainingOptions()


def _sizes(_: click.Context, __: click.Parameter, value: str) -> list[int | None]:
    """``100,1000,all``."""
    sizes: list[int | None] = []
    for part in value.split(","):
        size = part.strip()
        if size != "all" and not (size.isdecimal() and int(size) > 0):
            raise click.BadParameter(f"{size!r} is no number of rows: write 100,1000,all")
        sizes.append(None if size == "all" else int(size))
    return sizes


def _rates(_: click.Context, __: click.Parameter, value: str) -> list[float]:
    """``1e-4,3e-4``."""
    try:
        rates = sorted({float(part) for part in value.split(",")})
    except ValueError:
        rates = []
    if not rates or not all(0 < rate < 1 for rate in rates):
        raise click.BadParameter(f"{value!r} are no learning rates: write 1e-4,3e-4")
    return rates


@click.command("tune")
@click.argument("model")
@click.option(
    "--labels",
    multiple=True,
    required=True,
    metavar="F",
    help="Texts with labels: CSV, TSV, JSONL, Parquet, hf:NAME; LABEL=F for files of one label.",
)
@dev_option
@test_option
@click.option("--column", help="The column or key that holds the text.")
@label_column_option
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files.")
@max_text_option
@sample_option(0)
@click.option(
    "--kind",
    type=click.Choice(LABEL_KINDS),
    default=LABEL_KINDS[0],
    show_default=True,
    help="A label a text, several (a;b, or lists), or a number.",
)
@click.option(
    "-r",
    "--readout",
    "readouts",
    multiple=True,
    help="A readout such as cls@-1, pooler, token[3]@-1, or a sweep's readout.toml, without its "
    "steps; cls@mix learns the weights of the layers, attention@-1 those of the tokens. "
    "[default: cls@-1, mean@-1, max@-1, sep@-1, cls@mix]",
)
@click.option(
    "--n", "sizes", callback=_sizes, default="1000", show_default=True, help="Rows to train on."
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Trainings of each readout and number of rows, each with rows drawn anew.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=DEFAULTS.epochs,
    show_default=True,
    help="Of a training; of few rows an epoch passes over them more than once.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=DEFAULTS.batch_size,
    show_default=True,
    help="Texts a step.",
)
@click.option(
    "--rates",
    callback=_rates,
    default=",".join(map(str, DEFAULTS.rates)),
    show_default=True,
    help="Learning rates; each readout's is chosen on dev.",
)
@click.option(
    "--reinit",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="BLOCKS",
    help="Draw the last so many blocks anew before training.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. [default: one a core]")
@seed_option
@prompt_options
@max_length_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for report.html, findings.json, checkpoints/ and runs/, from which it goes on.",
)
@json_option
def command(
    model: str,
    labels: tuple[str, ...],
    dev: str | None,
    test: str | None,
    column: str | None,
    label_column: str | None,
    encoding: str,
    max_text_bytes: int,
    limit: RowLimit,
    kind: LabelKind,
    readouts: tuple[str, ...],
    sizes: list[int | None],
    seeds: int,
    epochs: int,
    batch_size: int,
    rates: list[float],
    reinit: int,
    workers: int | None,
    seed: int,
    prompt: str | None,
    prompt_name: str | None,
    max_length: int | None,
    output: Path,
    as_json: bool,
) -> None:
    """Fine-tune MODEL for --labels over each readout: same rows, same budget, several seeds.

    Learning rate and epoch are chosen on one part of the rows (dev), scores come from another
    (test). What is finished is kept in OUTPUT: the same command goes on after an interruption. Give
    OUTPUT's checkpoints/READOUT to `poolwise predict`.

    \b
    poolwise tune demo --labels intents.csv -r cls@-1 -r mean@-1 -o tuned
    poolwise tune ./my-bert --labels neg=neg.txt --labels pos=pos.txt --n 100,1000,all -o tuned
    torchrun --nproc-per-node 4 -m poolwise tune ./my-bert --labels train.csv --n all -o tuned
    """
    from poolwise.tuning.comparison import DEFAULT_READOUTS  # noqa: PLC0415 - slow to import
    from poolwise.tuning.tune import tune, tuning_folder  # noqa: PLC0415 - likewise

    with tuning_folder(output) as partial:
        with waiting("reading the data"):
            data = open_labels(
                labels,
                dev=dev,
                test=test,
                kind=kind,
                text_column=column,
                label_column=label_column,
                encoding=encoding,
                max_text_bytes=max_text_bytes,
                **limit.sampling(seed),
            )
        result = tune(
            load(model, max_length=max_length).prompted(prompt, prompt_name),
            data,
            readouts or DEFAULT_READOUTS,
            kind=kind,
            sizes=sizes,
            seeds=seeds,
            options=TrainingOptions(epochs, batch_size, tuple(rates), reinit=reinit),
            folder=output,
            partial=partial,
            workers=workers,
            seed=seed,
            progress=True,
        )
    if result is not None:
        _print(result, as_json)


def _print(result: TuneResult, as_json: bool) -> None:
    from poolwise.reports import to_json  # noqa: PLC0415 - slow to import

    if as_json:
        print_json(
            {
                "verdict": result.verdict,
                "findings": [to_json(result.finding)],
                "checkpoints": {name: str(path) for name, path in result.checkpoints.items()},
                "report": str(result.report),
            }
        )
        return
    print_finding(result.finding)
    for name, path in result.checkpoints.items():
        console().print(f"{name}: {path}", soft_wrap=True)
    console().print(f"report: {result.report}", soft_wrap=True)
