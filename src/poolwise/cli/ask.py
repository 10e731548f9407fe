"""poolwise ask: a question, answered by a study."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from poolwise.cli.data_options import data_options, read_material
from poolwise.cli.options import (
    Rows,
    console,
    force_option,
    json_option,
    max_length_option,
    precision_option,
    print_json,
    prompt_options,
    sample_option,
    tell,
)
from poolwise.cli.terminal import print_finding
from poolwise.model import Model, load
from poolwise.progress import waiting
from poolwise.records import Finding, Precision
from poolwise.texts import Dataset, Datasets
from poolwise.transforms.fitted_readout import FittedReadout

DEFAULT_LIMIT = 100_000

QUESTIONS = {
    "length": ("does the norm of [CLS] encode the sentence's length?", ["texts"]),
    "classification": ("which readout can a linear probe classify best?", ["labels"]),
    "similarity": ("which readout's similarity agrees with people?", ["pairs", "labels"]),
    "layers": ("which layer?", ["pairs", "labels"]),
    "pooler": ("is the pooler's output a good summary?", ["pairs", "labels"]),
    "first": ("why the first token: would any other do?", ["pairs", "labels"]),
    "tuned": ("which readout, once the encoder is fine-tuned?", ["labels"]),
    "knows": ("what does each layer know?", ["labels"]),
    "tagging": ("which layers tell what each word is?", ["tags"]),
    "geometry": ("what shape is the space?", ["pairs", "labels", "texts"]),
    "average": ("is [CLS] an average of the sentence's tokens?", ["texts", "labels", "pairs"]),
    "attention": ("where does [CLS] look?", ["texts", "labels", "pairs"]),
    "recover": ("can the sentence be got back?", ["texts", "labels", "pairs"]),
}
"""What can be asked, and of what. Here and not in studies, whose statistics take long to import."""


RESUMED = ("recover", "tuned")
"""Their trainings are kept in OUTPUT, and go on from there."""


def _listed() -> str:
    lines = [
        f"{name:<15}  {question} ({', '.join(f'--{kind}' for kind in kinds)})"
        for name, (question, kinds) in QUESTIONS.items()
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
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@prompt_options
@precision_option
@max_length_option
@force_option
@json_option
def command(
    question: str,
    model: str,
    limit: Rows,
    output: Path | None,
    readouts: tuple[str, ...],
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
    from poolwise.reports import PAGE, fill_report, to_json  # noqa: PLC0415 - slow to import

    _check(question, readouts, where)
    with _place(question, output, force) as partial:
        with waiting("reading the data"):
            material = read_material(**where, limit=limit, seed=seed)
        encoder = load(model, max_length=max_length).prompted(prompt, prompt_name)
        findings = _findings(question, encoder, material, readouts, output, seed, precision)
        _tell_of_the_limit(material)
        if partial:
            fill_report(findings, partial)
    report = output / PAGE if output else None
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
        print_finding(finding)
    if report:
        console().print(f"report: {report}", soft_wrap=True)


def _check(question: str, readouts: Sequence[str], where: dict[str, Any]) -> None:
    kinds = QUESTIONS[question][1]
    if readouts and question not in ("recover", "tuned"):
        raise click.UsageError(f"--readout belongs to recover and tuned; {question} has its own")
    if not any(where[kind] for kind in kinds):
        options = " or ".join(f"--{kind}" for kind in kinds)
        raise click.UsageError(f"{question} is measured on {options}; none was given")


def _place(question: str, output: Path | None, force: bool) -> AbstractContextManager[Path | None]:
    """Where the report is written before it gets its name."""
    from poolwise.reports import report_folder, resumed_folder  # noqa: PLC0415 - slow to import

    if output is None:
        return nullcontext()
    if question in RESUMED:
        return resumed_folder(output, study=question, force=force)
    return report_folder(output, force=force)


def _tell_of_the_limit(material: Datasets) -> None:
    data: Sequence[Dataset] = [*material.pairs, *material.labels, *material.tags, *material.texts]
    for one in data:
        for sample in one.samples:
            tell(f"{sample.source}: {sample}; --limit 0 reads all")


def _findings(
    question: str,
    encoder: Model,
    material: Datasets,
    specs: Sequence[str],
    output: Path | None,
    seed: int,
    precision: Precision,
) -> list[Finding]:
    from poolwise.selection.duplicates import with_groups  # noqa: PLC0415
    from poolwise.studies import sweep  # noqa: PLC0415 - slow to import
    from poolwise.studies.alone import ALONE, How  # noqa: PLC0415

    folder = output / "training" if output else None
    if question == "tuned":
        return _tuned(encoder, material, specs, folder, seed)
    if question in ALONE:
        how = How(
            seed,
            precision,
            True,
            readouts=[FittedReadout.of(spec).readout for spec in specs],
            folder=folder,
        )
        return list(ALONE[question](encoder, material, how))
    asked = sweep.questions(with_groups(encoder, material), [question], seed=seed)
    answers = sweep.answers(encoder, asked, precision=precision, progress=True)
    return [found for _, found in answers]


def _tuned(
    encoder: Model, material: Datasets, specs: Sequence[str], folder: Path | None, seed: int
) -> list[Finding]:
    from poolwise.tuning import comparison  # noqa: PLC0415 - slow
    from poolwise.tuning.records import TrainingOptions  # noqa: PLC0415

    answers = [
        comparison.compare_readouts(
            encoder,
            data,
            specs or comparison.STUDY_READOUTS,
            kind="classification",
            sizes=comparison.STUDY_SIZES,
            seeds=comparison.STUDY_SEEDS,
            options=TrainingOptions(),
            folder=folder,
            seed=seed,
            progress=True,
        )
        for data in material.labels
    ]
    return [answer.finding for answer in answers if answer is not None]
