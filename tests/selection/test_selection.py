"""Similarity and classification on texts whose answer is known."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.best import best_readout
from poolwise.selection.score_table import score_rows
from poolwise.selection.selection import score_readouts
from poolwise.studies.classification import Classification
from poolwise.studies.registry import studies_of
from poolwise.studies.run import context_for, run_studies
from poolwise.studies.similarity import Similarity
from poolwise.texts import Datasets, LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


def pairs(model, n=300, readout="mean@1"):
    """Pairs that one readout scores perfectly but for noise."""
    first, second = sentences(n), sentences(n, 1)
    a, b = (model.embed(side, readout + "|l2") for side in (first, second))
    noise = np.random.default_rng(2).normal(scale=0.005, size=n)
    cosines = np.sum(a * b, axis=1)
    return TextPairs("planted", first, second, cosines + noise, [""] * n, [""] * n, "hash")


def labelled(n=400):
    """Is there a cat in it?"""
    texts = list(dict.fromkeys(sentences(2 * n)))[:n]
    labels = ["cat" if "cat" in text else "no cat" for text in texts]
    return LabelledTexts("cats", texts, labels, [""] * n, "hash")


def answered(model, study):
    context = context_for(model, [study])
    return list(study.run(context)), context.vectors


def test_the_planted_readout_wins_and_others_do_not_tie(model):
    study = Similarity(pairs(model), "{cls,mean,max}@* mean@1|standardize")
    (finding,), _ = answered(model, study)
    selection = study.selection
    assert selection.names[selection.chosen_index] == "mean@1"
    assert selection.tied.sum() == 1
    assert finding.verdict.startswith("Take mean@1: Spearman 0.9")
    assert "more than mean@-1" in finding.verdict
    regret = next(n for n in finding.numbers if n.name == "regret of mean@-1")
    test = selection.test_scores
    assert regret.value == pytest.approx(
        test[selection.chosen_index].value - test[selection.find("mean@3")].value
    )
    assert regret.low > 0
    (control,) = [n for n in finding.numbers if n.name.startswith("Spearman with the scores of")]
    assert control.control
    assert control.low < 0 < control.high


def test_scores_of_all_rows_are_the_plain_spearman(model):
    from scipy.stats import spearmanr

    data = pairs(model)
    study = Similarity(data, "cls@2 mean@-1|whiten(8)")
    answered(model, study)
    a, b = (model.embed(list(side), "cls@2|l2") for side in (data.first, data.second))
    expected = spearmanr(np.sum(a * b, axis=1), data.scores).statistic
    assert study.selection.all_rows_scores[0].value == pytest.approx(expected, abs=1e-9)
    assert study.selection.all_rows_scores[1] is None


def test_steps_learn_from_train_alone(model):
    data = pairs(model)
    study = Similarity(data, "mean@-1|whiten(8)")
    answered(model, study)
    train, _, test = study.task.splits
    fit = list({side[i] for i in train for side in (data.first, data.second)})
    rows = [int(i) for i in test]
    a, b = (
        model.embed([side[i] for i in rows], "mean@-1|whiten(8)|l2", fit=fit)
        for side in (data.first, data.second)
    )
    np.testing.assert_allclose(
        study.selection.row_scores[rows, 0], np.sum(a * b, axis=1), atol=1e-4
    )


def test_a_constant_vector_has_no_score_and_is_never_chosen(model):
    study = Similarity(pairs(model), "cls@0 cls@0|whiten(8) cls@1")
    answered(model, study)
    assert study.selection.test_scores[0].value is None
    assert study.selection.test_scores[1].value is None
    assert not study.selection.tied[:2].any()


def test_the_probe_is_a_discriminant_trained_on_train_alone(model):
    study = Classification(labelled(), "mean@1 cls@1")
    (finding,), cache = answered(model, study)
    task = study.task
    x = cache["mean@1"][cache.rows(task.texts)].astype(float)
    train, _, test = task.splits
    oracle = LinearDiscriminantAnalysis(solver="eigen", shrinkage=1e-3)
    hits = oracle.fit(x[train], task.targets[train]).predict(x[test]) == task.targets[test]
    assert np.mean(hits == study.selection.row_scores[test, 0]) > 0.95
    assert finding.provenance["rows"]["train"] == len(train)


def test_classification_finds_the_word_and_controls_do_not(model):
    study = Classification(labelled(), "mean@* cls@0")
    (finding,), _ = answered(model, study)
    found = {n.name: n for n in finding.numbers if n.name != "accuracy"}
    assert found["accuracy of the chosen readout"].value > 0.85
    frequent = found["always the most frequent label"].value
    for name in ("accuracy on shuffled labels", "accuracy from length alone"):
        assert found[name].control
        assert found[name].value < frequent + 0.1
    assert found["accuracy of logistic regression"].value > 0.8
    assert study.selection.baselines


@pytest.mark.parametrize(
    ("labels", "error"),
    [(["one"] * 60, "every text has the label 'one'"), ([*map(str, range(60))], "label column")],
)
def test_labels_that_no_probe_can_tell(labels, error):
    with pytest.raises(StudyError, match=error):
        Classification(LabelledTexts("d", sentences(60), labels, [""] * 60, "h"))


def test_constant_scores():
    data = TextPairs(
        "flat", sentences(60), sentences(60, 1), np.full(60, 2.5), [""] * 60, [""] * 60, ""
    )
    with pytest.raises(StudyError, match=r"all have the score 2\.5"):
        Similarity(data)


def test_a_label_that_train_lacks_is_counted_as_missed(model):
    data = labelled(200)
    splits = ["train"] * 140 + ["dev"] * 30 + ["test"] * 30
    labels = [*data.labels[:199], "a rare one"]
    study = Classification(LabelledTexts("d", data.texts, labels, splits, "h"), "mean@1")
    (finding,), _ = answered(model, study)
    assert study.selection.row_scores[199, 0] == 0
    assert any("1 labels do not occur in train" in note for note in finding.notes)


def test_one_pass_answers_all_questions(model, monkeypatch):
    passes = []
    extract = type(model).extract
    monkeypatch.setattr(
        type(model), "extract", lambda *args, **kw: passes.append(1) or extract(*args, **kw)
    )
    datasets = Datasets(pairs=[pairs(model, 100)], labels=[labelled(200)])
    passes.clear()
    options = {"grid": "mean@*", "seed": 1}
    studies = [*studies_of("similarity", datasets, **options)]
    studies += studies_of("classification", datasets, **options)
    found = list(run_studies(model, studies))
    assert len(passes) == 1
    assert [f.study for _, f in found] == ["similarity", "similarity", "classification"]
    assert all(f.provenance["model_hash"] == model.hash for _, f in found)


def test_the_winner_embeds_as_it_was_measured(model, tmp_path):
    data = pairs(model, readout="mean@1")
    study = Similarity(data, "mean@1|whiten(8)")
    answered(model, study)
    study.selection.__dict__["chosen_index"] = 0
    chosen = best_readout(study.selection, {"model_hash": model.hash})
    first = chosen.transform.apply(model.embed(list(data.first), "mean@1"))
    second = chosen.transform.apply(model.embed(list(data.second), "mean@1"))
    cosines = np.sum(first * second, axis=1) / (
        np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    )
    np.testing.assert_allclose(study.selection.row_scores[:, 0], cosines, atol=1e-5)


def test_the_score_table_has_every_contender(model):
    study = Similarity(pairs(model), "cls@* mean@*")
    answered(model, study)
    rows = list(score_rows(study.selection))
    assert len(rows) == 2 * len(study.selection.names)
    assert sum(row["chosen"] for row in rows) == 2
    assert {row["cost"] for row in rows if row["readout"] == "cls@1"} == {1 / 3}


def test_hold_gives_baselines_columns_of_their_own(model):
    data = pairs(model)
    study = Similarity(data, "mean@1")
    cache = context_for(model, [study]).vectors
    perfect = {"the same": cache["mean@1"]}
    selection = score_readouts(model, study.task, study._readouts, cache, perfect)
    np.testing.assert_array_equal(selection.row_scores[:, -1], selection.row_scores[:, 0])
    assert selection.names[-1] == "the same"
    assert selection.cost(len(selection.names) - 1) == 0
