"""From findings to pictures and one page; renders what studies found and computes nothing."""

from poolwise.reports.report import to_json, write_report

__all__ = ["to_json", "write_report"]
