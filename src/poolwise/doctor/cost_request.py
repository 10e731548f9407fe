"""The data that the cost of a difference is measured on, and whose vectors are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from poolwise.doctor.evidence import Evidence
from poolwise.doctor.found_vectors import FoundVectors, RecomputedVectors, RequestedVectors
from poolwise.doctor.identify import Identification
from poolwise.doctor.map_search import Mapping
from poolwise.doctor.reader import Reader
from poolwise.doctor.statement import Aspect, Statement
from poolwise.errors import OptionError, StudyError
from poolwise.texts import Datasets

if TYPE_CHECKING:
    from poolwise.doctor.cost import Cost

CostVectors = Literal["recomputed", "endpoint"]
"""``recomputed`` by the model in the way that was found, which gives the found vectors but for
rounding; or asked for from the server, which then gets every text of the data."""

NOT_RECOMPUTED: tuple[Aspect, ...] = (
    "arithmetic",
    "repetition",
    "batch neighbours",
    "order",
    "cache",
    "rows",
    "empty text",
)
"""What a server does to vectors that recomputed ones do not have."""


@dataclass(frozen=True, slots=True)
class CostRequest:
    """The data, and what they are scored by; ``task``, ``score`` and ``seed`` as a sweep has them.

    Raises OptionError for ``vectors`` that are none of CostVectors, StudyError without pairs,
    labels or queries.
    """

    datasets: Datasets
    task: str | None = None
    score: str | None = None
    seed: int = 0
    vectors: CostVectors = "recomputed"

    def __post_init__(self) -> None:
        if self.vectors not in ("recomputed", "endpoint"):
            raise OptionError(
                f"cost_vectors is {self.vectors!r:.60}, expected recomputed or endpoint"
            )
        data = self.datasets
        if not (data.pairs or data.labels or data.queries):
            raise StudyError("nothing to measure a difference on: give pairs, labels or queries")

    def measure(
        self,
        reader: Reader,
        evidence: Evidence,
        found: Identification,
        mapped: Mapping | None,
        differences: Sequence[Statement],
        *,
        progress: bool = False,
    ) -> tuple[list[Cost], list[str]]:
        """What ``differences`` from the folder cost on each data set; else a note that says why
        nothing was measured."""
        from poolwise.doctor.cost import measure_costs  # noqa: PLC0415 - slow to import

        identified = found.identified or mapped is not None
        if reason := self._reason_not_to(reader, evidence, identified, differences):
            return [], [f"no cost was measured: {reason}"]
        asks = self.vectors == "endpoint"
        if asks and evidence.source is not None:
            prompt = found.best.reading.prompt if found.identified else ""
            dimensions = found.target.width
            vectors: FoundVectors = RequestedVectors(
                evidence.source, reader.model.width, dimensions, prompt
            )
        else:
            vectors = RecomputedVectors(reader, found, mapped)
        costs = measure_costs(
            reader.model,
            vectors,
            self.datasets,
            task=self.task or self.datasets.task,
            score=self.score,
            seed=self.seed,
            progress=progress,
        )
        left = [] if asks else _names(differences, recomputed=False)
        notes = [f"the scores are without the effects of: {', '.join(left)}"] if left else []
        return costs, notes

    def _reason_not_to(
        self,
        reader: Reader,
        evidence: Evidence,
        identified: bool,
        differences: Sequence[Statement],
    ) -> str:
        """Why nothing can or need be measured; empty where it can."""
        if reader.model.declared is None:
            return "the folder declares no readout to compare scores with"
        if identified and not differences:
            return "the vectors are made as the folder declares"
        if self.vectors == "endpoint":
            stored = evidence.source is None
            return "stored vectors have no endpoint to ask for more" if stored else ""
        ask = "" if evidence.source is None else "; the endpoint can be asked for them instead"
        if not identified:
            return (
                "how these vectors were made is not known, so they cannot be recomputed for other "
                f"texts{ask}"
            )
        if not _names(differences, recomputed=True):
            names = ", ".join(_names(differences, recomputed=False))
            return f"recomputed vectors do not have what differs, {names}{ask}"
        return ""


def _names(differences: Sequence[Statement], *, recomputed: bool) -> list[str]:
    """The aspects of those differences that recomputed vectors have, or have not."""
    aspects = dict.fromkeys(statement.aspect for statement in differences)
    return [aspect for aspect in aspects if (aspect not in NOT_RECOMPUTED) == recomputed]
