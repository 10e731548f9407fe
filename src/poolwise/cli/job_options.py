"""Options of poolwise embed for an output that is a folder: a corpus job."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.console import EscapingConsole
from poolwise.cli.row_flags import flag_messages
from poolwise.errors import OptionError

if TYPE_CHECKING:
    from poolwise.jobs import CorpusResult

Command = Callable[..., Any]


def _shard(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """``3/8``."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no shard: write I/N, such as 3/8")
    return int(match[1]), int(match[2])


JOB_OPTIONS = (
    click.option(
        "--part-rows",
        type=click.IntRange(min=1),
        metavar="N",
        help="Rows of the inputs in a part of the folder. [default: 100000]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes that work on the folder, each with a core or a GPU. [default: this process "
        "alone, with all cores]",
    ),
    click.option(
        "--ray",
        is_flag=False,
        flag_value="auto",
        metavar="[ADDRESS]",
        help="Workers of the folder are those of a Ray cluster: HOST:PORT, ray://HOST:PORT, local, "
        "or auto, which is RAY_ADDRESS, or one that runs here, else a local one that is started. "
        "[workers: a CPU less than it has]",
    ),
    click.option("--resume", is_flag=True, help="Go on with the job that is in the folder."),
    click.option(
        "--update",
        is_flag=True,
        help="Bring the folder up to date with inputs that have changed: rows whose id and text "
        "are as before keep their vectors.",
    ),
    click.option(
        "--to",
        multiple=True,
        metavar="TARGET",
        help="Where the folder's rows go besides, when all are there: postgresql://…?table=NAME "
        "(pgvector), lance:DIR#TABLE, faiss:FILE or usearch:FILE. May be repeated.",
    ),
    click.option(
        "--on-bad-row",
        type=click.Choice(["null", "skip", "fail"]),
        help="Rows of the folder without a text: kept with null vectors, left out, or an error. "
        "Each is counted and listed. [default: null]",
    ),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "float16", "int8", "binary"]),
        help="Values of the folder's vectors. [default: float32]",
    ),
    click.option(
        "--shard",
        callback=_shard,
        metavar="I/N",
        help="Only every N-th part of the folder from the I-th on: for arrays of jobs (Slurm, "
        "Kubernetes) that share it.",
    ),
)


def job_options(command: Command) -> Command:
    """Add the options of a corpus job."""
    for option in reversed(JOB_OPTIONS):
        command = option(command)
    return command


def is_folder(output: str) -> bool:
    """Whether the output is a corpus job: a folder that is there, or a name that ends as one."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def chosen(job: Mapping[str, Any]) -> dict[str, Any]:
    """The options that have been given."""
    return {name: value for name, value in job.items() if value not in (None, False, ())}


def check_no_job(job: Mapping[str, Any], output: str) -> None:
    """Raise OptionError for an option of jobs where the output is a file."""
    for name in chosen(job):
        option = f"--{name.replace('_', '-')}"
        raise OptionError(
            f"{option} is for a corpus job, whose output is a folder; found the file {output}: "
            f"name a folder, such as -o vectors/, or leave {option} out"
        )


def to_json(result: CorpusResult) -> dict[str, Any]:
    """A job's result for --json."""
    return {
        "verdict": result.verdict,
        "output": str(result.output),
        "complete": result.complete,
        "rows_in": result.rows_in,
        "rows": result.rows,
        "rejected": result.rejected,
        **result.flags,
        "parts": result.parts,
        "all_parts": result.all_parts,
        "made_rows": result.made_rows,
        "update": None if result.update is None else result.update.to_json(),
        "readouts": result.readouts,
        "columns": result.columns,
        "targets": {address: asdict(loaded) for address, loaded in result.targets.items()},
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "made": result.provenance,
    }


def print_result(result: CorpusResult, out: EscapingConsole) -> None:
    """A job's summary."""
    out.print(result.verdict, soft_wrap=True)
    if result.update is not None:
        counts = ", ".join(f"{count:,} {what}" for what, count in result.update.to_json().items())
        out.print(f"  {counts}")
    for name, readout in result.columns.items():
        column = "" if name == readout else f"{name}: "
        out.print(f"  {column}{readout}: {result.readouts[readout]} dimensions")
    for line in (*result.notes, *flag_messages(result.flags)):
        out.print(f"  {line}", soft_wrap=True)
    if result.rejected:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in result.rejected.items())
        total = sum(result.rejected.values())
        rows = "1 row has" if total == 1 else f"{total:,} rows have"
        out.print(
            f"  {rows} no vectors ({kinds}), listed in {result.output}/__poolwise/rejected/",
            soft_wrap=True,
        )
    for address, loaded in result.targets.items():
        out.print(
            f"  {address}: {loaded.rows:,} rows ({loaded.added:,} added, {loaded.updated:,} "
            f"updated, {loaded.deleted:,} deleted) in {loaded.seconds:.1f} s",
            soft_wrap=True,
        )
        for note in loaded.notes:
            out.print(f"    {note}", soft_wrap=True)
    if result.flags.get("truncated"):
        out.print("  (--long window reads all of a text)")
