"""poolwise.inspect: sentences, seen from inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from poolwise.api.inputs import as_model
from poolwise.inputs import strings
from poolwise.model import Model


class Inspection(dict[str, Any]):
    """The document that ``poolwise inspect --json`` prints; a notebook shows it as a page."""

    def page(self) -> str:
        """The document as one HTML page that needs no network."""
        from poolwise.reports.inspector import render  # noqa: PLC0415 - slow to import

        return render(dict(self))

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - beside its only use

        page = escape(self.page(), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="640" style="border:0"></iframe>'

    def __repr__(self) -> str:
        return f"<Inspection: {self['verdict']}>"


def inspect(
    model: Model | str | Path,
    texts: str | Iterable[str],
    readouts: Sequence[str] | None = None,
    *,
    weights: bool = False,
) -> Inspection:
    """The tokens of each text, their norms by layer and, for several texts, their cosines.

    ``readouts`` are those of the cosines, by default [CLS], the mean and the pooler. ``weights``
    adds the weights of each text's tokens in [CLS].
    """
    from poolwise.inspection import inspect as inspect_texts  # noqa: PLC0415 - slow to import

    loaded = as_model(model)
    names = readouts or default_readouts(loaded)
    return Inspection(inspect_texts(loaded, strings(texts), names, weights=weights))


def default_readouts(model: Model) -> tuple[str, ...]:
    """[CLS], the mean, and the pooler where the model has one."""
    return ("cls@-1", "mean@-1", "pooler") if model.has_pooler else ("cls@-1", "mean@-1")
