"""poolwise.compare_endpoints: whether two servers make the same vectors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from poolwise.api.inputs import as_model
from poolwise.doctor.comparison import EndpointComparison, compare_sources
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.inputs import flag, strings
from poolwise.model import Model

if TYPE_CHECKING:
    from poolwise.doctor.endpoints.discovery import API


def compare_endpoints(
    model: Model | str | Path,
    url_a: str,
    url_b: str,
    *,
    apis: tuple[API | None, API | None] = (None, None),
    endpoint_models: tuple[str | None, str | None] = (None, None),
    keys: tuple[str | None, str | None] = (None, None),
    prompts: str | Iterable[str] = (),
    progress: bool = False,
) -> EndpointComparison:
    """Whether two servers make the same vectors of the probe texts of ``model``; and if not, which
    of its readouts each has.

    ``apis``, ``endpoint_models`` and ``keys`` are as of ``diagnose``, one for each server; a key
    is sent to its own alone. Raises as ``diagnose`` does.
    """
    more_prompts, shown = strings(prompts), flag("progress", progress)
    loaded = as_model(model)
    with (
        open_endpoint(url_a, apis[0], endpoint_models[0], keys[0]) as one,
        open_endpoint(url_b, apis[1], endpoint_models[1], keys[1]) as other,
    ):
        return compare_sources(loaded, (one, other), prompts=more_prompts, progress=shown)
