"""poolwise reproduce: do published figures come out?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from poolwise.cli.console import styled
from poolwise.cli.options import console, force_option, json_option, precision_option, print_json
from poolwise.encoders.location import display_name
from poolwise.model import load
from poolwise.records import Precision
from poolwise.reports import PAGE, fill_report, report_folder, to_json
from poolwise.reproduction import PRESETS, ReproducedFigure, reproduce
from poolwise.reproduction.finding import build_finding

STYLES = {"reproduced": "green", "off": "bold red", "not comparable": "yellow", "not run": "dim"}


@click.command("reproduce")
@click.argument("preset", type=click.Choice(list(PRESETS)))
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The folder with the data: SentEval's checkout, its data or data/downstream, or one laid "
    "out alike, whatever the case of its names. What is missing is named.",
)
@click.option("--model", help="A folder or hub id. [default: the checkpoint of the paper]")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for report.html and findings.json.",
)
@precision_option
@force_option
@json_option
def command(
    preset: str,
    folder: Path,
    model: str | None,
    output: Path | None,
    precision: Precision,
    force: bool,
    as_json: bool,
) -> None:
    """Run a published protocol and mark each figure: reproduced, off by x, not comparable (the data
    are not those that it is of), or not run because …

    \b
    sts-bert            twelve rows of STS12-16, STS-B and SICK-R, with their ambiguities told apart
    sts-minilm          all-MiniLM-L6-v2 on the same; SICK-R as MTEB has it, all 9,927 pairs
    table7              BERT's table 7: layers and their mixes for CoNLL-2003 entities
    probing             what [CLS] and the mean know of the sentence's length
    senteval-transfer   MR, CR, SUBJ, MPQA, SST, TREC, MRPC with logistic regression

    \b
    poolwise reproduce sts-bert --data SentEval/data --model ./bert-base-uncased
    """
    table = PRESETS[preset]
    name = model or table.model
    figures: list[ReproducedFigure] = []
    with report_folder(output, force=force) if output else nullcontext() as partial:
        for figure in reproduce(table, folder, lambda: load(name), precision=precision):
            figures.append(figure)
            if not as_json:
                console().print(_line(figure), soft_wrap=True)
        finding = build_finding(preset, table, *_without_paths(figures, folder, name))
        if partial:
            fill_report([finding], partial)
    report = output / PAGE if output else None
    if as_json:
        document = {"verdict": finding.verdict, "finding": to_json(finding)}
        print_json({**document, "report": str(report) if report else None})
        return
    out = console()
    out.print()
    out.print(finding.verdict, style="bold")
    out.print()
    if report:
        out.print(f"report: {report}", soft_wrap=True)


def _without_paths(
    figures: Sequence[ReproducedFigure], folder: Path, name: str
) -> tuple[list[ReproducedFigure], dict[str, str]]:
    """Figures and provenance for a report, which may be passed on: reasons name files by their path
    within ``folder``."""
    model, data = display_name(name), folder.resolve().name
    relative = []
    for figure in figures:
        reason = figure.reason.replace(f"{folder}{os.sep}", "").replace(str(folder), data)
        relative.append(replace(figure, reason=reason.replace(name, model)))
    return relative, {"model": model, "data": data}


def _line(figure: ReproducedFigure) -> Text:
    row = f"{figure.data:<11} {figure.row}: published {figure.expected:.2f}, "
    return styled((row, ""), (str(figure), STYLES[figure.status]))
