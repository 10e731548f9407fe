"""poolwise.verify: whether the parts of a corpus job are what was made."""

from __future__ import annotations

from pathlib import Path

from poolwise.inputs import flag, whole_number
from poolwise.jobs.verification import VerifyResult, verify_job


def verify(
    output: str | Path,
    *,
    repair: bool = False,
    workers: int | None = None,
    progress: bool = False,
) -> VerifyResult:
    """Read every part of the corpus job in ``output``, and say which one is wrong and how.

    Counts, ids, hashes, flags and whether vectors are finite are computed anew and compared with
    the plan, the part's sidecar and its footer. A job that is not finished is no fault of its
    parts; ``result.whole`` is False. Memory: some MB a worker and 8 bytes a row of the largest
    part; with an id column 16 bytes a row of all parts, up to 50 million rows.

    ``repair`` removes the wrong parts and makes them, and missing ones, again from the plan: the
    model and the inputs must be as they were. Files that the job did not write are only named.
    ``workers`` threads read parts, and as many processes make them; None: one reads, and this
    process makes them with all cores.

    Raises StoreError where there is no job or it cannot be repaired, with what has changed;
    EncoderError and TextError where the model or an input is gone.
    """
    if workers is not None:
        workers = whole_number("workers", workers, 1)
    return verify_job(
        Path(output),
        repairs=flag("repair", repair),
        workers=workers,
        progress=flag("progress", progress),
    )
