"""A readout as a folder that other libraries load, checked by loading it."""

from poolwise.exports.export import export
from poolwise.exports.result import FORMATS, ExportResult, Format

__all__ = ["FORMATS", "ExportResult", "Format", "export"]
