import numpy as np
import pytest
from sklearn.linear_model import Ridge

from poolwise.statistics.ridge_path import RidgePath


@pytest.mark.parametrize(("n", "d"), [(200, 12), (30, 50)])
def test_predictions_are_those_of_scikit_learn(n, d):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) * np.logspace(-1, 1, d) + 3
    y = x @ rng.normal(size=d) + rng.normal(size=n)
    penalties = (1e-4, 1e-2, 1.0)
    predictions = RidgePath(x, y, penalties).predictions(x[:10])
    for penalty, predicted in zip(penalties, predictions, strict=True):
        ridge = Ridge(alpha=penalty * n * x.var(axis=0).mean()).fit(x, y)
        np.testing.assert_allclose(predicted, ridge.predict(x[:10]), rtol=1e-8)


def test_constant_vectors_predict_the_mean():
    y = np.arange(20.0)
    path = RidgePath(np.full((20, 4), 0.1, np.float32), y)
    np.testing.assert_allclose(path.predictions(np.ones((3, 4))), y.mean())
