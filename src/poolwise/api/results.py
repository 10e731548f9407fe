"""How results show themselves: text in a terminal, HTML and Vega-Lite charts in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.charts import Chart
from poolwise.records import Finding


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart that Jupyter draws: ``chart`` holds its data, ``spec`` is its Vega-Lite."""

    chart: Chart

    @property
    def spec(self) -> dict[str, Any] | None:
        """The Vega-Lite specification; None for a table of text."""
        from poolwise.reports import vega_lite  # noqa: PLC0415 - slow to import

        return vega_lite(self.chart)

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        from poolwise.reports import MIME_TYPE  # noqa: PLC0415 - slow to import

        spec = self.spec
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        return bundle if spec is None else {MIME_TYPE: spec, **bundle}

    def __repr__(self) -> str:
        return f"<chart: {self.chart.title}>"


class FindingsView:
    """What has findings shows them: their verdicts as text, whole in a notebook."""

    findings: Sequence[Finding]

    @property
    def verdict(self) -> str:
        """The verdicts of all findings, one after another."""
        return " ".join(finding.verdict for finding in self.findings)

    @property
    def charts(self) -> Sequence[ChartView]:
        """Every chart of every finding."""
        return [ChartView(chart) for finding in self.findings for chart in finding.charts]

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the folder ``path`` with its page, findings.json and charts; the page's path.

        Raises StoreError where the folder exists, unless ``force``.
        """
        from poolwise.reports import PAGE, report_folder  # noqa: PLC0415 - slow to import

        folder = Path(path)
        with report_folder(folder, force=force) as partial:
            self.fill(partial)
        return folder / PAGE

    def fill(self, folder: Path) -> Mapping[str, str]:
        """Write the report's files into a folder that exists; their names by what they are."""
        from poolwise.reports import PAGE, fill_report  # noqa: PLC0415 - slow to import

        fill_report(list(self.findings), folder)
        return {"report": PAGE}

    def __str__(self) -> str:
        return "\n".join(f"{finding.question} {finding.verdict}" for finding in self.findings)

    def _repr_html_(self) -> str:
        from poolwise.reports import finding_html  # noqa: PLC0415 - slow to import

        return "\n".join(map(finding_html, self.findings))
