"""Whether a job's inputs are as they were when it was planned."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.errors import PoolwiseError
from poolwise.jobs.comparison import differences
from poolwise.jobs.plan import Plan
from poolwise.jobs.planned_request import input_names
from poolwise.texts.sources import find_source


def input_notes(plan: Plan) -> Iterator[str]:
    """A sentence on each input that has changed, or cannot be looked at: parts are none the worse
    for it, and could not be made again."""
    for name, before in zip(input_names(plan), plan.inputs, strict=True):
        try:
            source = find_source(
                name, plan.fingerprint["encoding"], max_bytes=plan.request["max_text_bytes"]
            )
            now = source.identity()
        except PoolwiseError as error:
            yield f"an input cannot be looked at: {error}"
            continue
        known = [key for key in now if now[key] is not None]
        if changed := differences(before, now, known):
            yield f"{name} has changed since the parts were made ({', '.join(changed)})"
