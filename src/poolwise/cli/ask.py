"""poolwise ask: a question, answered by a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from poolwise.cli.options import (
    console,
    json_option,
    max_length_option,
    precision_option,
    print_json,
    text_options,
)
from poolwise.model import load
from poolwise.records import Chart, Finding, Precision
from poolwise.reports import to_json, write_report
from poolwise.studies import STUDIES, run
from poolwise.texts import open_texts

DEFAULT_LIMIT = 100_000


@click.command("ask")
@click.argument("question", type=click.Choice(sorted(STUDIES)))
@click.argument("model")
@click.option(
    "--texts",
    "inputs",
    multiple=True,
    required=True,
    metavar="TEXTS",
    help='A file, "-", or hf:NAME; may be repeated.',
)
@text_options
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="The first so many texts; 0 for all.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for report.html, findings.json and the charts.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@precision_option
@max_length_option
@json_option
def command(
    question: str,
    model: str,
    inputs: tuple[str, ...],
    column: str | None,
    id_column: str | None,
    split: Any,
    encoding: str,
    limit: int,
    output: Path | None,
    seed: int,
    precision: Precision,
    max_length: int | None,
    as_json: bool,
) -> None:
    """Answer QUESTION about MODEL by measuring it on your text.

    \b
    length   does the norm of [CLS] encode the sentence's length?

    \b
    poolwise ask length demo --texts novel.txt --split sentences -o report
    poolwise ask length bert-base-uncased --texts hf:bookcorpus -o report
    """
    texts = open_texts(
        inputs,
        column=column,
        id_column=id_column,
        split=split,
        encoding=encoding,
        limit=limit or None,
    )
    encoder = load(model, max_length=max_length)
    findings = run(
        encoder, texts, [STUDIES[question](seed=seed)], precision=precision, progress=True
    )
    if limit and findings[0].made["n_texts"] == limit:
        click.echo(f"read the first {limit:,} texts; --limit 0 reads all", err=True)
    report = write_report(findings, output) if output else None
    if as_json:
        print_json(
            {
                "verdict": " ".join(f.verdict for f in findings),
                "findings": [to_json(f) for f in findings],
                "report": str(report) if report else None,
            }
        )
        return
    for finding in findings:
        show(finding)
    if report:
        console().print(f"report: {report}", markup=False, soft_wrap=True)


def show(finding: Finding) -> None:
    """The question, what was found layer by layer, the notes, and the verdict last."""
    out = console()
    out.print(f"\n[bold]{escape(finding.question)}[/]\n")
    for chart in finding.charts:
        if chart.kind == "by_layer":
            out.print(f"{chart.title}\n", markup=False)
            out.print(_by_layer(chart))
            if None in chart.data["value"]:
                out.print("[dim]–  the same for every sentence, so nothing to correlate[/]")
            out.print()
    for note in finding.notes:
        out.print(f"[dim]·[/] {escape(note)}")
    out.print(f"\n[bold]{escape(finding.verdict)}[/]\n")


def _by_layer(chart: Chart) -> Table:
    """A chart's values as a table: a row a series, a column a layer."""
    data = chart.data
    layers = list(dict.fromkeys(data["layer"]))
    table = Table("", *(f"@{k}" for k in layers), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    points = zip(data["series"], data["layer"], data["value"], data["control"], strict=True)
    rows: dict[str, dict[int, str]] = {}
    dim: set[str] = set()
    for series, layer, value, control in points:
        rows.setdefault(series, {})[layer] = "–" if value is None else f"{value:.2f}"
        if control:
            dim.add(series)
    for series, values in rows.items():
        style = "dim" if series in dim else None
        table.add_row(series, *(values.get(k, "") for k in layers), style=style)
    return table
