"""poolwise reproduce: do published figures come out?"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
from rich.markup import escape

from poolwise.cli.options import console, force_option, json_option, precision_option, print_json
from poolwise.model import load
from poolwise.records import Precision
from poolwise.reports import PAGE, fill_report, report_folder, to_json
from poolwise.studies.reproduce import PRESETS, Cell, reproduce
from poolwise.studies.reproduce.rows import finding

STYLES = {"reproduced": "green", "off": "bold red", "not run": "dim"}


@click.command("reproduce")
@click.argument("preset", type=click.Choice(list(PRESETS)))
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The folder with the data; what is missing is named.",
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
    """Run a published protocol and mark each figure: reproduced, off by x, or not run because …

    \b
    sts-bert            twelve rows of STS12-16, STS-B and SICK-R, with their ambiguities told apart
    sts-minilm          all-MiniLM-L6-v2 on the same
    table7              BERT's table 7: layers and their mixes for CoNLL-2003 entities
    probing             what [CLS] and the mean know of the sentence's length
    senteval-transfer   MR, CR, SUBJ, MPQA, SST, TREC, MRPC with logistic regression

    \b
    poolwise reproduce sts-bert --data data --model ./bert-base-uncased
    """
    table = PRESETS[preset]
    name = model or table.model
    cells: list[Cell] = []
    with report_folder(output, force=force) if output else nullcontext() as partial:
        for cell in reproduce(table, folder, lambda: load(name), precision=precision):
            cells.append(cell)
            if not as_json:
                console().print(_line(cell), soft_wrap=True)
        found = finding(preset, table, cells, {"model": name, "data": str(folder)})
        if partial:
            fill_report([found], partial)
    report = output / PAGE if output else None
    if as_json:
        document = {"verdict": found.verdict, "finding": to_json(found)}
        print_json({**document, "report": str(report) if report else None})
        return
    console().print(f"\n[bold]{escape(found.verdict)}[/]\n")
    if report:
        console().print(f"report: {report}", markup=False, soft_wrap=True)


def _line(cell: Cell) -> str:
    style = STYLES[cell.mark]
    where = escape(f"{cell.data:<9} {cell.row}")
    return f"{where}: published {cell.expected:.2f}, [{style}]{escape(str(cell))}[/]"
