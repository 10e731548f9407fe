"""poolwise.export: a readout as a folder that others load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import as_model
from poolwise.model import Model

if TYPE_CHECKING:
    from poolwise.exports.result import ExportResult
    from poolwise.transforms.fitted_readout import AnyReadout


def export(
    model: Model | str | Path,
    readout: AnyReadout | None,
    folder: str | Path,
    **options: Any,
) -> ExportResult:
    """``poolwise.exports.export`` of a model given by name, folder or object: see there.

    ``readout`` may be a sweep's ``best``, which brings its fitted steps; None is what the model's
    folder declares. ``options`` are ``format``, ``fit``, ``check``, ``quantize``, ``findings``,
    ``force`` and ``progress``.
    """
    from poolwise.exports import export as write_export  # noqa: PLC0415 - slow to import

    return write_export(as_model(model), readout, folder, **options)
