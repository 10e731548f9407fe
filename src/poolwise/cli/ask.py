"""poolwise ask: a question, answered by a study."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from poolwise.cli.data_options import data_options
from poolwise.cli.datasets import by_kind, read_datasets, tell_of_the_limit
from poolwise.cli.options import (
    RowLimit,
    console,
    force_option,
    json_option,
    kind_prompt_options,
    max_length_option,
    precision_option,
    print_json,
    prompt_options,
    sample_option,
    score_option,
    seed_option,
)
from poolwise.cli.terminal import print_finding
from poolwise.model import load
from poolwise.progress import waiting
from poolwise.records import Precision
from poolwise.studies.registry import QUESTIONS

DEFAULT_LIMIT = 100_000


def _listed() -> str:
    lines = [
        f"{name:<15}  {row.question} ({', '.join(f'--{kind}' for kind in row.takes)})"
        for name, row in QUESTIONS.items()
    ]
    return "\b\n" + "\n".join(lines)


@click.command("ask", epilog=_listed())
@click.argument("question", type=click.Choice(list(QUESTIONS)))
@click.argument("model")
@data_options
@sample_option(DEFAULT_LIMIT)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for report.html, findings.json and the charts.",
)
@click.option(
    "-r",
    "--readout",
    "readouts",
    multiple=True,
    help="Of recover: what to get sentences back from; of tuned: what to fine-tune over. May be "
    "repeated. [default: some usual ones]",
)
@score_option
@seed_option
@prompt_options
@kind_prompt_options
@precision_option
@max_length_option
@force_option
@json_option
def command(
    question: str,
    model: str,
    limit: RowLimit,
    output: Path | None,
    readouts: tuple[str, ...],
    score: str | None,
    seed: int,
    prompt: str | None,
    prompt_name: str | None,
    precision: Precision,
    max_length: int | None,
    force: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Answer QUESTION about MODEL by measuring it on your text.

    \b
    poolwise ask length demo --texts novel.txt --split sentences -o report
    poolwise ask similarity bert-base-uncased --pairs sts-dev.csv -o report
    """
    from poolwise.api import ask  # noqa: PLC0415 - slow to import
    from poolwise.api.inputs import as_model, take_kind_prompts  # noqa: PLC0415 - likewise
    from poolwise.reports import PAGE, to_json  # noqa: PLC0415 - likewise

    _check(question, readouts, where)
    with _place(question, output, force) as partial:
        kinds = take_kind_prompts(where)
        with waiting("reading the data"):
            data = read_datasets(**where, limit=limit, seed=seed)
        encoder = as_model(load(model, max_length=max_length), prompt, prompt_name, kinds)
        result = ask(
            question,
            encoder,
            **by_kind(data),
            readouts=readouts,
            score=score,
            folder=output / "training" if output and QUESTIONS[question].resumes else None,
            seed=seed,
            precision=precision,
            progress=True,
        )
        tell_of_the_limit(data)
        if partial:
            result.fill(partial)
    report = output / PAGE if output else None
    if as_json:
        print_json(
            {
                "verdict": result.verdict,
                "findings": [to_json(f) for f in result.findings],
                "report": str(report) if report else None,
            }
        )
        return
    for finding in result.findings:
        print_finding(finding)
    if report:
        console().print(f"report: {report}", soft_wrap=True)


def _check(question: str, readouts: Sequence[str], where: dict[str, Any]) -> None:
    row = QUESTIONS[question]
    if readouts and "readouts" not in row.options:
        names = " and ".join(name for name, row in QUESTIONS.items() if "readouts" in row.options)
        raise click.UsageError(f"--readout belongs to {names}; {question} has its own")
    given = {kind for kind in row.takes if where[kind]}
    if not (given or where["data"] or ("queries" in row.takes and where["queries_from"])):
        options = " or ".join(f"--{kind}" for kind in row.takes)
        raise click.UsageError(f"{question} is measured on {options}; none was given")


def _place(question: str, output: Path | None, force: bool) -> AbstractContextManager[Path | None]:
    """Where the report is written before it gets its name."""
    from poolwise.reports import report_folder, resumed_folder  # noqa: PLC0415 - slow to import

    if output is None:
        return nullcontext()
    if QUESTIONS[question].resumes:
        return resumed_folder(output, study=question, force=force)
    return report_folder(output, force=force)
