"""Findings → charts as Vega-Lite, SVG and PNG, and one page; computes nothing."""

from poolwise.reports.folder import PAGE, report_folder, resumed_folder
from poolwise.reports.fragment import finding_html, summary_html
from poolwise.reports.report import answer_to_json, fill_report, to_json, write_report
from poolwise.reports.specification import MIME_TYPE, vega_lite

__all__ = [
    "MIME_TYPE",
    "PAGE",
    "answer_to_json",
    "fill_report",
    "finding_html",
    "report_folder",
    "resumed_folder",
    "summary_html",
    "to_json",
    "vega_lite",
    "write_report",
]
