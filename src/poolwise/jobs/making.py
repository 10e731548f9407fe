"""Parts made one after another in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from poolwise.jobs.claims import Claims
from poolwise.jobs.part_maker import PartMaker, Report
from poolwise.jobs.plan import Part

POLL_S = 0.5
"""Seconds between two looks at parts that other processes are making."""


def make_parts(
    maker: PartMaker,
    parts: Sequence[Part],
    report: Report,
    starting: Callable[[Part], None] = lambda part: None,
) -> None:
    """Make those of ``parts`` that are not there; ``starting`` is called before each.

    Returns when all are there: those that other processes have claimed are waited for, and made
    here if these die. Raises as ``RunningMaker.make`` does.
    """
    folder = maker.folder
    missing = [part for part in parts if not folder.has(part.number)]
    if not missing:
        return
    running = maker.start()
    with closing(Claims(folder.claims)) as claims:
        while True:
            for part in missing:
                if folder.has(part.number):
                    continue
                with claims.claim(part.number) as claimed:
                    if claimed and not folder.has(part.number):
                        starting(part)
                        running.make(part, report)
            missing = [part for part in missing if not folder.has(part.number)]
            if not missing:
                return
            time.sleep(POLL_S)
