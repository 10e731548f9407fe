"""X of scikit-learn's methods: texts in a list, an array, a Series or one column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from poolwise.errors import TextError
from poolwise.inputs import check_container, strings


class NotTextsError(TextError, ValueError):
    """X does not hold texts; a ValueError too, as scikit-learn raises."""


def texts_of(X: Any, at_least: int = 0) -> list[str]:  # noqa: N803 - scikit-learn's name
    """The texts that X holds: a list, array, Series or generator, or one column [n, 1] of a table.

    Raises NotTextsError, naming the first row that is no text, and for fewer than ``at_least``.
    """
    if isinstance(X, str):
        raise NotTextsError(f"X is one text ({X!r:.40}), expected a list of texts: [text]")
    X = _in_memory(X)  # noqa: N806 - scikit-learn's name
    table = len(getattr(X, "shape", ())) == 2 and not hasattr(X, "tocsr")
    try:
        if not table:
            check_container(X)
        texts = strings(_column(X))
    except TextError as error:
        raise NotTextsError(str(error)) from None
    if len(texts) < at_least:
        raise NotTextsError(f"n_samples = {len(texts)}: this fit takes {at_least} or more")
    return texts


def _in_memory(X: Any) -> Any:  # noqa: N803
    """A generator as a list; the column of a data set that has only one."""
    if isinstance(X, Iterator) and not hasattr(X, "readline"):
        return list(X)
    names = getattr(X, "column_names", None)
    return X[names[0]] if hasattr(X, "features") and names and len(names) == 1 else X


def _column(X: Any) -> Any:  # noqa: N803
    """X as one row of objects [n]."""
    rows = np.asarray(X, dtype=object)
    if rows.ndim == 2 and rows.shape[1] == 1:
        return rows[:, 0]
    if rows.ndim != 1:
        raise NotTextsError(
            f"X is a {type(X).__name__} of shape {rows.shape}, expected texts [n] or one column "
            "[n, 1]; a ColumnTransformer embeds several columns"
        )
    return rows
