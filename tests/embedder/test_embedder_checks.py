"""scikit-learn's own checks of an estimator, and those that texts cannot take."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from poolwise.embedder import Embedder

NO_FEATURES = "a text is no vector of features"
NOT_FOR_TEXTS = {
    "check_n_features_in": NO_FEATURES,
    "check_n_features_in_after_fitting": NO_FEATURES,
    "check_transformer_general": f"at its end counts features; {NO_FEATURES}",
    "check_estimators_empty_data_messages": f"rows of 0 features: {NO_FEATURES}",
    "check_fit2d_predict1d": "texts are one-dimensional, and numbers refused in other words",
    "check_complex_data": "complex numbers are refused as any number is, in other words",
}


class OfNumbers(Embedder):
    """What scikit-learn's checks can feed: each row of numbers is written out as a text.

    All else (sparse, 1-d, complex, not finite, no columns) reaches the Embedder as it is.
    """

    def fit(self, X, y=None):  # noqa: N803
        return super().fit(written(X), y)

    def fit_transform(self, X, y=None):  # noqa: N803
        return super().fit_transform(written(X), y)

    def transform(self, X):  # noqa: N803
        return super().transform(written(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


def written(X):  # noqa: N803
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.shape[1] == 0 or rows.dtype.kind not in "fiuO":
        return X
    strange = {"nan", "inf", "-inf"}
    return [
        float((strange & set(row)).pop()) if strange & set(row) else " ".join(row)
        for row in [[str(value)[:4] for value in row] for row in rows]
    ]


def each_check():
    for spec in ("mean@-1", "cls@2|whiten(2)"):
        for _, check in estimator_checks_generator(OfNumbers(readout=spec)):
            name = getattr(check.func, "__name__", "") or check.func.func.__name__
            marks = [pytest.mark.xfail(reason=NOT_FOR_TEXTS[name])] if name in NOT_FOR_TEXTS else []
            if name != "check_array_api_input":  # wants a variable of the environment
                yield pytest.param(spec, check, marks=marks, id=f"{spec}-{name}")


@pytest.mark.parametrize(("spec", "check"), list(each_check()))
@pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")
def test_scikit_learn_checks(folder, spec, check):
    check(OfNumbers(folder, spec))
