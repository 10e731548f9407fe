"""poolwise.watch: whether a server still makes the vectors that it made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from poolwise.api.inputs import as_model
from poolwise.doctor.endpoints.address import parse_address
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.doctor.watch import Watch
from poolwise.doctor.watch_metrics import check_metrics, write_metrics
from poolwise.doctor.watch_result import WatchResult
from poolwise.doctor.watch_state import read_state
from poolwise.errors import EndpointError
from poolwise.inputs import flag, strings
from poolwise.model import Model

if TYPE_CHECKING:
    from poolwise.doctor.endpoints.discovery import API


def watch(
    model: Model | str | Path,
    *,
    endpoint: str,
    state: str | Path,
    api: API | None = None,
    endpoint_model: str | None = None,
    key: str | None = None,
    prompts: str | Iterable[str] = (),
    metrics: str | Path | None = None,
    progress: bool = False,
) -> WatchResult:
    """Whether the server at ``endpoint`` makes the vectors that the file ``state`` has, once.

    The first run diagnoses them, as ``diagnose`` does with the same arguments, and writes
    ``state``. Later runs send the same probe texts, and compare; where the vectors have changed,
    they are diagnosed anew. A state is never replaced: delete it to begin anew.

    ``metrics`` is a file (``.prom``) for node_exporter's textfile collector. It is replaced after
    every run, also one that finds no server; not where the run itself fails.

    Raises EndpointError where the server fails; StoreError for a file that cannot be written, or a
    state that is damaged, or of another model; OptionError, EncoderError, MissingExtraError.
    """
    path, shown = Path(state), flag("progress", progress)
    more_prompts = strings(prompts)
    name = str(parse_address(endpoint))
    metrics_path = None if metrics is None else Path(metrics)
    if metrics_path is not None:
        check_metrics(metrics_path)
    loaded = as_model(model)
    before = read_state(path, loaded)
    try:
        with open_endpoint(endpoint, api, endpoint_model, key) as source:
            result = Watch(loaded, name, path, more_prompts, shown).run(source, before)
    except EndpointError:
        if metrics_path is not None:
            write_metrics(metrics_path, loaded.name, name, None)
        raise
    if metrics_path is not None:
        write_metrics(metrics_path, loaded.name, name, result)
    return result
