"""How near the readouts of a model are to found vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from poolwise.doctor.candidates import specs_of
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.identify import Identification
from poolwise.doctor.map_search import Mapping
from poolwise.doctor.reader import Reader
from poolwise.doctor.search import Hypothesis, rank
from poolwise.doctor.target import Target

MOST = 8


@dataclass(frozen=True, slots=True)
class Near:
    """A way to make vectors, and its ``distance`` from the found ones: of directions, 0 to 2, the
    median over texts. ``same``: no text tells it from the nearest."""

    name: str
    distance: float
    same: bool = False


@dataclass(frozen=True, slots=True)
class Nearness:
    """The nearest ways, nearest first; ``cosines`` of the vectors of every pool of one layer, by
    spec, the mean over texts. Either may be empty."""

    nearest: tuple[Near, ...] = ()
    cosines: dict[str, float] = field(default_factory=dict)


def nearness(
    reader: Reader, evidence: Evidence, found: Identification, mapped: Mapping | None
) -> Nearness:
    """Of the readouts that were compared, on the plain texts read as found."""
    if mapped is not None:
        then = " then a map"
        return Nearness(
            (
                Near(f"{mapped.spec}{then}", mapped.map.error),
                Near(f"{mapped.runner_up}{then}", mapped.next_error),
            )
        )
    search = found.search
    if found.scales is not None:
        ways = [search.best, *([] if search.runner_up is None else [search.runner_up])]
        return Nearness(tuple(Near(way.name, way.error) for way in ways))
    texts = [evidence.texts[row] for row in evidence.plain]
    target = found.target.rows(evidence.plain)
    best = found.best
    near = {best.name: Near(best.name, found.error)}
    near |= {way.name: Near(way.name, way.error, same=True) for way in search.same}
    runner_up = search.runner_up
    if runner_up is not None and runner_up.reading.prompt != best.reading.prompt:
        name = _named(runner_up)
        near[name] = Near(name, runner_up.error)
    for way in rank(reader, best.reading, texts, target):
        near.setdefault(way.name, Near(way.name, way.error))
    nearest = sorted(near.values(), key=lambda way: (way.name != best.name, way.distance))[:MOST]
    return Nearness(tuple(nearest), _cosines(reader, texts, best, target))


def _named(way: Hypothesis) -> str:
    return f"{way.name} after {way.reading.prompt!r}" if way.reading.prompt else way.name


def _cosines(
    reader: Reader, texts: Sequence[str], best: Hypothesis, target: Target
) -> dict[str, float]:
    """Every pool of one layer, followed by what was found to follow the best."""
    after, cosines = best.after, {}
    for spec, pooled in reader.vectors(best.reading, texts, specs_of(reader.model)).items():
        if after.width not in (None, pooled.shape[1]) or spec in after.skips:
            continue
        made = after.apply(pooled)
        if made.shape[1] < target.width:
            return {}
        cosines[spec] = float(np.mean(1 - target.distances(made) ** 2 / 2))
    return cosines
