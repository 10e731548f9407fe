"""poolwise verify: whether the parts of a corpus job are what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.console import EscapingConsole
from poolwise.cli.options import console, json_option, print_json
from poolwise.errors import StoreError

if TYPE_CHECKING:
    from poolwise.jobs.verification import VerifyResult

SHOWN = 40
"""Lines on what is wrong."""


@click.command("verify")
@click.argument("output", metavar="OUT")
@click.option(
    "--repair",
    is_flag=True,
    help="Make wrong and missing parts again, with the job's own model and inputs, which must be "
    "as they were. Other files in the folder are never removed.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Parts that are read at once, and processes that make parts again. [default: one is read, "
    "and this process makes them with all cores]",
)
@json_option
def command(output: str, repair: bool, workers: int | None, as_json: bool) -> None:
    """Say whether the corpus job in the folder OUT is whole, and exactly what is wrong.

    Every part is read: its counts, ids, hashes and flags are computed anew. Exit code 0 where all
    is as it was made, 5 where something is wrong or the job is unfinished.

    \b
    poolwise verify vectors/
    poolwise verify vectors/ --repair
    """
    from poolwise.api import verify  # noqa: PLC0415 - after what --help needs

    result = verify(output, repair=repair, workers=workers, progress=True)
    if as_json:
        print_json(_to_json(result))
    else:
        _print(result, console())
    if not result.whole:
        raise click.exceptions.Exit(StoreError.exit_code)


def _to_json(result: VerifyResult) -> dict[str, Any]:
    faults = [
        {
            "part": fault.part,
            "file": fault.file,
            "check": fault.check,
            "found": fault.found,
            "expected": fault.expected,
        }
        for fault in result.faults
    ]
    return {
        "verdict": result.verdict,
        "output": str(result.output),
        "whole": result.whole,
        "rows": result.rows,
        "parts": result.parts,
        "all_parts": result.all_parts,
        "missing": list(result.missing),
        "wrong_parts": list(result.wrong_parts),
        "faults": faults,
        "notes": list(result.notes),
        "repaired": list(result.repaired),
        "seconds": round(result.seconds, 3),
    }


def _print(result: VerifyResult, out: EscapingConsole) -> None:
    out.print(result.verdict, soft_wrap=True)
    for fault in result.faults[:SHOWN]:
        out.print(f"  {fault}", soft_wrap=True)
    if len(result.faults) > SHOWN:
        out.print(f"  and {len(result.faults) - SHOWN:,} more, all of which --json names")
    for note in result.notes[:SHOWN]:
        out.print(f"  note: {note}", soft_wrap=True)
    if len(result.notes) > SHOWN:
        out.print(f"  and {len(result.notes) - SHOWN:,} notes more, all of which --json names")
    if number := len({*result.wrong_parts, *result.missing}):
        what = "it" if number == 1 else "them"
        out.print(f"  poolwise verify {result.output} --repair makes {what} again", soft_wrap=True)
