"""poolwise sweep: which readout, measured on your text."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from poolwise.cli.data_options import data_options, task_option
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
    tell,
)
from poolwise.cli.terminal import print_answer, print_finding, print_questions, print_table
from poolwise.progress import waiting
from poolwise.records import Precision

DEFAULT_LIMIT = 20_000


@click.command("sweep")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@data_options
@task_option
@click.option(
    "--grid",
    default="default",
    show_default=True,
    help='default, full, or readouts between blanks: "{cls,mean}@* mean@-1|whiten(128)".',
)
@score_option
@sample_option(DEFAULT_LIMIT)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for report.html, answer.json, findings.json, scores.parquet, readout.toml.",
)
@seed_option
@click.option(
    "--repeats",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Would other rows choose the same? Choose anew N times, on two halves of the rows; "
    "train probes in other folds. 100 will do.",
)
@click.option(
    "--learning-curve",
    is_flag=True,
    help="How many rows does it take? Choose anew on 50, 100, 200, 500, … rows, with probes "
    "trained on as many.",
)
@prompt_options
@kind_prompt_options
@precision_option
@max_length_option
@force_option
@click.option("--verbose", is_flag=True, help="Print every table and note, not the answer alone.")
@json_option
def command(
    models: tuple[str, ...],
    task: str | None,
    grid: str,
    score: str | None,
    limit: RowLimit,
    output: Path | None,
    seed: int,
    repeats: int,
    learning_curve: bool,
    prompt: str | None,
    prompt_name: str | None,
    precision: Precision,
    max_length: int | None,
    force: bool,
    verbose: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Measure every layer, pool and step of MODEL on your data, in one pass.

    Of several models all readouts compete on the same rows, against the one that the first model
    declares.

    Every row is scored by what was fitted without it. The answer comes first: what to use, why,
    what it costs, how sure that is, and the next command. OUTPUT's readout.toml is the readout to
    use: give it to `poolwise embed --readout`.

    \b
    poolwise sweep demo --data reviews.csv --target stars
    poolwise sweep demo --pairs sts-dev.csv -o sweep
    poolwise sweep demo --labels intents.csv --texts novel.txt --split sentences -o sweep
    poolwise sweep ./my-bert --labels train.tsv --test test.tsv --grid full
    poolwise sweep demo --queries scifact/ -o sweep
    poolwise sweep demo ./my-bert --labels intents.csv -o sweep
    """
    if not any(where[kind] for kind in ("data", "pairs", "labels", "tags", "queries", "texts")):
        raise click.UsageError(
            "nothing to measure on: give --data, --pairs, --labels, --queries, --tags or --texts"
        )
    from poolwise.api import sweep  # noqa: PLC0415 - slow to import
    from poolwise.api.best_scores import leading_table  # noqa: PLC0415 - likewise
    from poolwise.api.inputs import take_kind_prompts  # noqa: PLC0415 - likewise
    from poolwise.reports import answer_to_json, report_folder, to_json  # noqa: PLC0415 - likewise

    with report_folder(output, force=force) if output else nullcontext() as partial:
        kinds = take_kind_prompts(where)
        with waiting("reading the data"):
            data = read_datasets(**where, limit=limit, seed=seed, task=task)
        tell_of_the_limit(data)
        try:
            result = sweep(
                list(models),
                **by_kind(data),
                **asdict(kinds),
                grid=grid,
                score=score,
                task=task or data.task,
                seed=seed,
                repeats=repeats,
                learning_curve=learning_curve,
                precision=precision,
                prompt=prompt,
                prompt_name=prompt_name,
                max_length=max_length,
                progress=True,
            )
        except KeyboardInterrupt as interruption:
            for note in getattr(interruption, "__notes__", ["no question was answered yet"]):
                tell(note)
            raise
        names = result.fill(partial, output) if partial else {}
    files = {kind: output / name for kind, name in names.items()} if output else {}
    answer = result.answer_with(files.get("readout"))
    if as_json:
        print_json(
            {
                "answer": None if answer is None else answer_to_json(answer),
                "verdict": result.verdict,
                "readout": str(result.best.readout) if result.selections else None,
                "findings": [to_json(f) for f in result.findings],
                "files": {name: str(path) for name, path in files.items()},
            }
        )
        return
    if answer is not None:
        print_answer(answer)
    if verbose or answer is None:
        for finding in result.findings:
            print_finding(finding)
    else:
        print_table(leading_table(result.selections[0]))
        print_questions(result.findings)
    for name, path in files.items():
        console().print(f"{name}: {path}", soft_wrap=True)
