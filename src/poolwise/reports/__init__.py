"""From findings to pictures and one page; renders what studies found and computes nothing."""

from poolwise.reports.folder import PAGE, report_folder, resumed_folder
from poolwise.reports.report import fill_report, to_json, write_report

__all__ = ["PAGE", "fill_report", "report_folder", "resumed_folder", "to_json", "write_report"]
