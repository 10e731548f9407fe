"""What X may be: texts in any of the shapes that scikit-learn's users have them in."""

from __future__ import annotations

from typing import Any

import numpy as np

from poolwise.errors import TextError

_MISSING = {"None": "None", "nan": "NaN", "<NA>": "NA", "NaT": "NaT"}


class NotTextsError(TextError, ValueError):
    """X holds something else than texts; a ValueError too, which scikit-learn's users expect."""


def texts_of(X: Any, at_least: int = 0) -> list[str]:  # noqa: N803 - scikit-learn's name
    """The texts that X holds: a list, array or Series, or one column [n, 1] of a table.

    Raises NotTextsError, naming the first row that is no text, and for fewer than ``at_least``.
    """
    if isinstance(X, str):
        raise NotTextsError(f"X is one text ({X!r:.40}), expected a list of texts: [text]")
    if hasattr(X, "tocsr"):
        raise NotTextsError("X is a sparse matrix, expected texts")
    rows = np.asarray(X, dtype=object)
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim != 1:
        raise NotTextsError(
            f"X is a {type(X).__name__} of shape {rows.shape}, expected texts [n] or one column "
            "[n, 1]; a ColumnTransformer embeds several columns"
        )
    texts: list[str] = rows.tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            found = _MISSING.get(str(text), f"{type(text).__name__} ({text!r:.40})")
            raise NotTextsError(
                f"row {row}: found {found}, expected a string; drop or fill such rows first"
            )
    if len(texts) < at_least:
        raise NotTextsError(f"n_samples = {len(texts)}: this fit takes {at_least} or more")
    return texts
