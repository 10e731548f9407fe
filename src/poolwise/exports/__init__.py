"""A readout as a folder that other libraries load, checked by loading it."""

from poolwise.exports.export import FORMATS, Exported, Format, export

__all__ = ["FORMATS", "Exported", "Format", "export"]
