import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from poolwise.errors import StudyError
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.statistics.ridge import PENALTIES
from poolwise.texts import LabelledTexts

N = 400


def task_of(numbers, score="R²", splits=None):
    texts = [f"text {i}" for i in range(len(numbers))]
    labels = [repr(float(number)) for number in numbers]
    data = LabelledTexts("data", texts, labels, splits or [""] * len(texts), "")
    return RegressionTask(data, 0, score=score)


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 10)) * np.logspace(-1, 1, 10)
    return x, x[:, -5:] @ [1, -1, 1, 0, 0.5] + 3 * rng.normal(size=N)


def oracle(task, x, y):
    """scikit-learn's predictions of the penalty that is best without each fold."""
    codes = task.folds.codes
    alphas = [
        [penalty * np.sum(codes != fold) * x[codes != fold].var(axis=0).mean() for fold in range(5)]
        for penalty in PENALTIES
    ]
    held_out = np.empty((len(PENALTIES), len(y)))
    for p, row in enumerate(alphas):
        for fold, alpha in enumerate(row):
            split = PredefinedSplit(codes)
            predicted = cross_val_predict(Ridge(alpha=alpha), x, y, cv=split)
            held_out[p, codes == fold] = predicted[codes == fold]
    losses = (held_out - y) ** 2
    best = [losses[:, codes != fold].sum(axis=1).argmin() for fold in range(5)]
    return held_out[np.array(best)[codes], np.arange(len(y))]


@pytest.mark.parametrize(
    ("score", "value"),
    [("R²", r2_score), ("Spearman", lambda y, p: spearmanr(y, p)[0])],
)
def test_scores_are_those_of_scikit_learn(drawn, score, value):
    x, y = drawn
    task = task_of(y, score)
    scores = task.probe_scores(x, np.ones(N, np.bool_))
    assert scores.mean() == pytest.approx(value(y, oracle(task, x, y)), abs=1e-6)


def test_a_row_that_is_not_usable_is_predicted_the_mean(drawn):
    x, y = drawn
    task, usable = task_of(y), np.arange(N) % 2 == 0
    x[~usable] = np.nan
    scores = task.probe_scores(x, usable)
    assert np.isfinite(scores).all()
    assert scores.mean() == pytest.approx(
        task.probe_scores(np.where(usable[:, None], x, 0), usable).mean()
    )


def test_rows_of_test_are_predicted_by_all_others(drawn):
    x, y = drawn
    task = task_of(y, splits=["test"] * 100 + [""] * 300)
    scores = task.probe_scores(x, np.ones(N, np.bool_))[:100]
    assert scores.mean() > 0.5
    predicted = Ridge(alpha=1e-3).fit(x[100:], y[100:]).predict(x[:100])
    assert scores.mean() == pytest.approx(r2_score(y[:100], predicted), abs=0.01)


def test_numbers_that_do_not_differ_are_refused():
    with pytest.raises(StudyError, match=r"all 100 rows have the number 2.5; a regression needs"):
        task_of([2.5] * 100)


def test_noise_is_predicted_no_better_than_the_mean():
    rng = np.random.default_rng(1)
    scores = task_of(rng.normal(size=N)).probe_scores(rng.normal(size=(N, 20)), np.ones(N, bool))
    assert -0.1 < scores.mean() < 0.02
