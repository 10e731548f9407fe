"""poolwise doctor: which readout made these vectors."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.cost_options import cost_options, take_cost_data
from poolwise.cli.doctor_modes import mode
from poolwise.cli.options import console, force_option, json_option, print_json
from poolwise.errors import OptionError
from poolwise.files import atomic_write

if TYPE_CHECKING:
    from poolwise.doctor.diagnosis import Diagnosis

DIFFERENT = 9
"""The exit code where vectors are not what the model declares, or another server's."""

CHANGED = 10
"""The exit code of a watch where vectors are not what they were."""

KEY_VARIABLE = "POOLWISE_ENDPOINT_KEY"
SECOND_KEY_VARIABLE = "POOLWISE_ENDPOINT_KEY_B"


@click.command("doctor")
@click.argument("model")
@click.option(
    "--endpoint", metavar="URL", help="A server; it is sent short texts, called probe texts."
)
@click.option(
    "--api",
    type=click.Choice(["openai", "tei", "ollama", "cohere", "bert-as-service"]),
    help="The server's protocol. [default: found by asking]",
)
@click.option(
    "--endpoint-model",
    metavar="NAME",
    help="Which of the server's models. [default: the only one]",
)
@click.option(
    "--vectors",
    metavar="FILE",
    help="Vectors made already: Parquet, .npy, .npz, .safetensors, "
    "postgresql://user@host/database?table=NAME or lance:FOLDER#TABLE.",
)
@click.option(
    "--texts",
    metavar="FILE",
    help="Their texts: lines, CSV, JSONL or Parquet. [default: a column of --vectors]",
)
@click.option("--vector-column", metavar="NAME", help="The column of the vectors.")
@click.option("--text-column", metavar="NAME", help="The column of the texts.")
@click.option(
    "--id-column",
    metavar="NAME",
    help="The column by which vectors and texts are matched. [default: id where both have one, "
    "else by their order]",
)
@click.option(
    "--sentence-transformers",
    metavar="DIR",
    help="A folder or hub id, whose vectors sentence-transformers makes here.",
)
@click.option(
    "--watch",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="STATE",
    help="Ask whether --endpoint still makes the vectors in the file STATE. The first run writes "
    "it, as JSON; no later run replaces it: delete it to begin anew.",
)
@click.option(
    "--metrics",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --watch: a .prom file for Prometheus' node_exporter, replaced by each run.",
)
@click.option(
    "--compare",
    nargs=2,
    metavar="URL_A URL_B",
    help="Ask whether two servers make the same vectors, and which readout each has.",
)
@click.option(
    "--second-model",
    metavar="NAME",
    help="With --compare: which of URL_B's models. [default: as --endpoint-model]",
)
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="TEXT",
    help="Try this prompt too, beside the folder's own and those of published models; may be "
    "repeated.",
)
@cost_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PAGE",
    help="An HTML page to write: what was found, how clear it is, what to do.",
)
@force_option
@json_option
def command(
    model: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    prompts: tuple[str, ...],
    watch: Path | None,
    metrics: Path | None,
    compare: tuple[str, str] | None,
    second_model: str | None,
    **given: Any,
) -> None:
    """Say which readout of MODEL made the vectors of a server, of files, or of a folder.

    They are compared with everything that MODEL can give: layer, pool, Dense layers, normalisation,
    prompt, casing, truncation, precision. Each is set beside what MODEL's folder declares. Where
    they differ, --pairs, --labels or --queries measure what that costs. A server's key is read from
    the environment variable POOLWISE_ENDPOINT_KEY, that of URL_B from POOLWISE_ENDPOINT_KEY_B.

    Exit code 0: the vectors are as declared. 9: they are not, or no known readout made them. 8: the
    server fails. With --watch, 0: as they were, or the first run; 10: they have changed. With
    --compare, 0: the same but for precision; 9: different.

    \b
    poolwise doctor demo --endpoint http://127.0.0.1:8080/v1
    poolwise doctor demo --vectors vectors.npy --texts texts.txt -o doctor.html
    poolwise doctor demo --sentence-transformers my-model/
    poolwise doctor demo --endpoint http://127.0.0.1:8080/v1 --pairs sts-dev.csv
    poolwise doctor demo --endpoint http://127.0.0.1:8080/v1 --watch demo.json --metrics demo.prom
    poolwise doctor demo --compare http://127.0.0.1:8080/v1 http://127.0.0.1:8081/v1
    """
    asked = mode()
    if asked == "--watch" and watch is not None:
        _watch(model, watch, metrics, prompts, as_json, given)
        return
    if asked == "--compare" and compare is not None:
        _compare(model, compare, second_model, prompts, as_json, given)
        return
    if not any(given[name] for name in ("endpoint", "vectors", "sentence_transformers")):
        raise OptionError(
            "where do the vectors come from? Give one of --endpoint URL, --vectors FILE and "
            "--sentence-transformers DIR"
        )
    from poolwise.api import diagnose  # noqa: PLC0415 - after what --help needs

    cost = take_cost_data(given)
    key = os.environ.get(KEY_VARIABLE) if given["endpoint"] else None
    with atomic_write(output, overwrite=force) if output else nullcontext() as page:
        diagnosis = diagnose(
            model, key=key or None, prompts=prompts, progress=True, **given, **cost
        )
        if page:
            page.write(diagnosis.page().encode("utf-8", "backslashreplace"))
    if as_json:
        print_json(diagnosis.to_json() | ({"page": str(output)} if output else {}))
    else:
        _print(diagnosis)
        if output:
            console().print(f"page: {output}", soft_wrap=True)
    if diagnosis.agrees is False:
        raise click.exceptions.Exit(DIFFERENT)


def _watch(
    model: str,
    state: Path,
    metrics: Path | None,
    prompts: tuple[str, ...],
    as_json: bool,
    given: dict[str, Any],
) -> None:
    from poolwise.api import watch  # noqa: PLC0415 - after what --help needs
    from poolwise.cli.watches import print_watch  # noqa: PLC0415 - likewise

    result = watch(
        model,
        endpoint=given["endpoint"],
        api=given["api"],
        endpoint_model=given["endpoint_model"],
        key=os.environ.get(KEY_VARIABLE) or None,
        state=state,
        metrics=metrics,
        prompts=prompts,
        progress=True,
    )
    if as_json:
        print_json(result.to_json())
    else:
        print_watch(result)
    if result.changed:
        raise click.exceptions.Exit(CHANGED)


def _compare(
    model: str,
    urls: tuple[str, str],
    second_model: str | None,
    prompts: tuple[str, ...],
    as_json: bool,
    given: dict[str, Any],
) -> None:
    from poolwise.api import compare_endpoints  # noqa: PLC0415 - after what --help needs
    from poolwise.cli.endpoint_comparisons import print_comparison  # noqa: PLC0415 - likewise

    api, name = given["api"], given["endpoint_model"]
    keys = [os.environ.get(variable) or None for variable in (KEY_VARIABLE, SECOND_KEY_VARIABLE)]
    result = compare_endpoints(
        model,
        *urls,
        apis=(api, api),
        endpoint_models=(name, second_model or name),
        keys=(keys[0], keys[1]),
        prompts=prompts,
        progress=True,
    )
    if as_json:
        print_json(result.to_json())
    else:
        print_comparison(result)
    if not result.same:
        raise click.exceptions.Exit(DIFFERENT)


def _print(diagnosis: Diagnosis) -> None:
    from poolwise.cli.diagnoses import print_diagnosis  # noqa: PLC0415 - not for --json

    print_diagnosis(diagnosis)
