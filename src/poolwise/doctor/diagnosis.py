"""What ``poolwise.diagnose`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from poolwise.doctor.statement import Aspect, Statement

if TYPE_CHECKING:
    from poolwise.doctor.affine_map import AffineMap
    from poolwise.doctor.cost import Cost


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Which readout of ``model`` made the vectors of ``source``, and how sure that is.

    ``identified`` says whether a known way to make vectors gives the found ones; ``readout`` is
    then its text in the grammar of readouts, None where the grammar cannot write it, and ``error``
    how far it is from them. ``agrees`` says whether every statement is as the model's folder
    declares it, None where it declares no readout. ``differences`` are the statements that are not,
    ``costs`` what they cost on each data set that was given.
    """

    model: str
    source: str
    identified: bool
    readout: str | None
    description: str
    error: float
    tolerance: float
    declared: str | None
    agrees: bool | None
    verdict: str
    statements: Sequence[Statement]
    texts: int
    dimensions: int
    notes: Sequence[str] = ()
    affine_map: AffineMap | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    costs: Sequence[Cost] = ()

    def __getitem__(self, aspect: Aspect) -> Statement:
        """The statement on this aspect. Raises KeyError where there is none."""
        for statement in self.statements:
            if statement.aspect == aspect:
                return statement
        raise KeyError(aspect)

    @property
    def differences(self) -> list[Statement]:
        """The statements that are not as the model's folder declares."""
        return [statement for statement in self.statements if statement.agrees is False]

    def __str__(self) -> str:
        return self.verdict
