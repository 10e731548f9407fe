"""What ``poolwise.diagnose`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from poolwise.charts import Chart
from poolwise.doctor.charts import (
    cosine_map,
    cost_table,
    distance_chart,
    remedy_table,
    statement_table,
)
from poolwise.doctor.nearness import Nearness
from poolwise.doctor.remedies import Remedy, remedies, serve_command
from poolwise.doctor.statement import Aspect, Statement
from poolwise.json_values import to_plain
from poolwise.records import Finding

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
    nearness: Nearness = field(default_factory=Nearness)
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

    @property
    def remedies(self) -> list[Remedy]:
        """What to do about the differences."""
        return remedies(self.differences)

    @property
    def commands(self) -> Mapping[str, str]:
        """What serves vectors ``as declared`` and ``as found``, where they differ in the readout
        alone, which a server can be told."""
        if not self.differences or self.readout == self.declared:
            return {}
        readouts = {"as declared": self.declared}
        if {s.aspect for s in self.differences} <= {"readout", "normalisation", "dimensions"}:
            readouts["as found"] = self.readout
        return {
            name: serve_command(self.model, readout)
            for name, readout in readouts.items()
            if readout is not None
        }

    @property
    def finding(self) -> Finding:
        """The verdict with a table of the statements, what to do, and how near readouts are."""
        charts: list[Chart] = [cost_table(self.costs)] if self.costs else []
        charts.append(statement_table(self.statements))
        if self.differences:
            charts.append(remedy_table(self.remedies, self.commands))
        if self.nearness.nearest:
            charts.append(distance_chart(self.nearness, self.tolerance))
        if self.nearness.cosines:
            chosen = self["readout"].value if self.identified else None
            charts.append(cosine_map(self.nearness, chosen))
        facts = {"data": self.source, "texts": self.texts, "dimensions": self.dimensions}
        return Finding(
            "doctor",
            f"Which readout of {self.model} made the vectors of {self.source}?",
            self.verdict,
            charts=charts,
            notes=self.notes,
            provenance={**self.provenance, **facts},
        )

    def page(self) -> str:
        """One HTML page that needs no network and no other file."""
        from poolwise.reports.page import figure_of, render_page  # noqa: PLC0415 - slow to import
        from poolwise.reports.printable import printable  # noqa: PLC0415 - likewise

        finding = printable(self.finding)
        figures = list(map(figure_of, finding.charts))
        return render_page([(finding, figures)], f"Vectors compared with {self.model}")

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data; of the map its kind, rank and error, not its numbers."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        provenance, affine = data.pop("provenance"), data.pop("affine_map")
        kept = ("kind", "rank", "normalised", "error")
        plain: dict[str, Any] = to_plain(
            {
                **data,
                "affine_map": affine and {name: getattr(affine, name) for name in kept},
                "remedies": self.remedies,
                "commands": self.commands,
                "made": provenance,
            }
        )
        return plain

    def __str__(self) -> str:
        return " ".join([self.verdict, *(cost.sentence for cost in self.costs)])

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.verdict}>"

    def _repr_html_(self) -> str:
        from poolwise.reports import finding_html  # noqa: PLC0415 - slow to import

        return finding_html(self.finding)
