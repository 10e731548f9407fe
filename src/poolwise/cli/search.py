"""poolwise search: the rows of a corpus job that are nearest to texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.options import console, json_option, print_json
from poolwise.texts import open_texts

if TYPE_CHECKING:
    from rich.table import Table

    from poolwise.api.search_result import QueryHits, SearchResult

_TEXT = 300
"""Characters of a row's text that are shown."""


@click.command("search")
@click.argument("output")
@click.argument("queries", nargs=-1, required=True, metavar="QUERY...")
@click.option(
    "-k", type=click.IntRange(min=1), default=10, show_default=True, help="Rows for each query."
)
@click.option(
    "-r",
    "--readout",
    "column",
    help="A readout of the job, or the name of its column. [default: the only one]",
)
@click.option(
    "--model", help="The model that made the job, where it has moved. Another one is refused."
)
@click.option(
    "--prompt",
    metavar="TEXT",
    help='Stands in front of every query; "" for none. [default: the query prompt of the readout, '
    "or of the model, or else the rows' prompt]",
)
@click.option("--prompt-name", metavar="NAME", help="The model's prompt of this name: query.")
@click.option(
    "--score",
    type=click.Choice(["cosine", "dot", "hamming"]),
    help="Cosine, dot product, or bits that differ. [default: cosine; hamming for binary vectors, "
    "which have no other]",
)
@json_option
def command(
    output: str,
    queries: tuple[str, ...],
    k: int,
    column: str | None,
    model: str | None,
    prompt: str | None,
    prompt_name: str | None,
    score: Any,
    as_json: bool,
) -> None:
    """Find the rows of the corpus job in OUTPUT that are nearest to each QUERY.

    Exact: every vector is compared, in one pass over the files. The model and the readout are those
    of the job. "-" reads queries from standard input, a line each.

    \b
    poolwise search vectors/ "how do I return a parcel?" -k 5
    poolwise search vectors/ - --json < queries.txt
    """
    from poolwise.api import search  # noqa: PLC0415 - after what --help needs

    result = search(
        output,
        [text for query in queries for text in (_lines() if query == "-" else [query])],
        k,
        column=column,
        model=model,
        prompt=prompt,
        prompt_name=prompt_name,
        score=score,
        progress=True,
    )
    if as_json:
        print_json(to_json(result))
    else:
        print_result(result)


def _lines() -> list[str]:
    """The lines of standard input that are not blank."""
    return [sentence.text for sentence in open_texts(["-"], blank=False)]


def to_json(result: SearchResult) -> dict[str, Any]:
    """A search's result for --json."""
    return {
        "verdict": result.verdict,
        "output": str(result.output),
        "column": result.column,
        "readout": result.readout,
        "score": result.score,
        "k": result.k,
        "queries": result.queries,
        "prompt": result.prompt,
        "row_prompt": result.row_prompt,
        "rows": result.rows,
        "left_out": result.left_out,
        "parts": result.parts,
        "all_parts": result.all_parts,
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "made": result.provenance,
    }


def print_result(result: SearchResult) -> None:
    """A table for each query, then the notes and the verdict."""
    out = console()
    for found in result.queries:
        out.print(found.query, style="bold")
        out.print(_table(found, result))
        out.print()
    if result.prompt or result.row_prompt:
        out.print(f"  prompt of the queries {result.prompt!r}, of the rows {result.row_prompt!r}")
    for note in result.notes:
        out.print(f"  {note}", soft_wrap=True)
    out.print(result.verdict, soft_wrap=True)


def _table(found: QueryHits, result: SearchResult) -> Table:
    from rich.table import Table  # noqa: PLC0415 - not for --json

    with_text = any(hit.text is not None for hit in found.hits)
    heading = "bits" if result.score == "hamming" else result.score
    table = Table("", heading, "id", *["text"] * with_text, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[:2]:
        column.justify, column.no_wrap = "right", True
    table.columns[2].overflow = "fold"
    for hit in found.hits:
        score = f"{hit.score:.0f}" if result.score == "hamming" else f"{hit.score:.4f}"
        text = hit.text or ""
        shown = text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
        table.add_row(str(hit.rank), score, str(hit.id), *[shown] * with_text)
    return table
