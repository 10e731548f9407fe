"""Similarity and classification on texts whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

import poolwise
from poolwise.errors import StudyError
from poolwise.records import CAREFUL
from poolwise.selection.best import best_readout
from poolwise.selection.choice import Choice
from poolwise.selection.finding import NO_CHOICE
from poolwise.selection.score_table import score_rows
from poolwise.selection.scoring import score_readouts
from poolwise.selection.tasks.task import PairsTask
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


@pytest.fixture(scope="module")
def planted(model):
    """The study of pairs that mean@1 scores best, and its finding."""
    study = Similarity(pairs(model), "{cls,mean,max}@* mean@1|standardize")
    (finding,), _ = answered(model, study)
    return study, finding


@pytest.fixture(scope="module")
def cats(model):
    """The study of the word that labels depend on, and its finding."""
    study = Classification(labelled(), "mean@* cls@0")
    (finding,), _ = answered(model, study)
    return study, finding


def answered(model, study):
    context = context_for(model, [study])
    return list(study.run(context)), context.vectors


def cosines(model, data, rows, readout, **options):
    a, b = (
        model.embed([side[i] for i in rows], readout + "|l2", **options)
        for side in (data.first, data.second)
    )
    return np.sum(a * b, axis=1)


def test_the_planted_readout_is_chosen_and_others_do_not_tie(planted):
    study, finding = planted
    selection = study.selection
    assert selection.names[selection.chosen_index] == "mean@1"
    assert selection.tied.sum() == 1
    assert finding.verdict == "Use mean@1: it scores higher than mean@-1."
    assert finding.evidence.startswith("Spearman 0.9")
    assert "against mean@-1, p below 0.0001 among 14 readouts" in finding.evidence
    gain = next(n for n in finding.numbers if n.name == "gain over the readout used now")
    chosen, used = selection.chosen_index, selection.find("mean@3")
    assert gain.value == pytest.approx(
        selection.scores[chosen].value - selection.scores[used].value, abs=1e-9
    )
    assert 0 < gain.low < gain.value < gain.high
    (control,) = [n for n in finding.numbers if n.name.startswith("Spearman with the scores of")]
    assert control.control
    assert control.low < 0 < control.high
    assert finding.provenance["rows"] == {"all": 300}
    assert not any(n.name.startswith("regret") for n in finding.numbers)


def test_a_score_is_the_plain_spearman_of_all_rows(model, planted):
    study, _ = planted
    data = study.data[0]
    index = study.selection.find("cls@2")
    expected = spearmanr(cosines(model, data, range(300), "cls@2"), data.scores).statistic
    assert study.selection.scores[index].value == pytest.approx(expected, abs=1e-9)
    column = study.selection.row_scores[:, index]
    assert column.mean() == pytest.approx(expected, abs=1e-9)


def test_steps_learn_from_the_other_folds_alone(model):
    data = pairs(model, 120)
    task = PairsTask(data, 0)
    cache = context_for(model, [Similarity(data, "mean@-1")]).vectors
    readout = poolwise.parse("mean@-1|whiten(8)")
    found = task.cosines(cache, cache["mean@-1"], readout)
    for _, fitted, rows in task.folds.divisions():
        fit = list(dict.fromkeys(side[i] for i in fitted for side in (data.first, data.second)))
        expected = cosines(model, data, rows, "mean@-1|whiten(8)", fit=fit)
        np.testing.assert_allclose(found[rows], expected, atol=1e-4)


def test_a_constant_vector_has_no_score_and_is_never_chosen(model):
    study = Similarity(pairs(model, 100), "cls@0 cls@0|whiten(8) cls@1")
    (finding,), _ = answered(model, study)
    selection = study.selection
    for name in ("cls@0", "cls@0|whiten(8)"):
        index = selection.find(name)
        assert selection.scores[index].value is None
        assert not selection.tied[index]
        assert selection.better.p[index] == 1
        assert index not in (selection.chosen_index, selection.best_index)
    assert finding.verdict


def test_classification_finds_the_word_and_controls_do_not(cats):
    study, finding = cats
    found = {n.name: n for n in finding.numbers if n.name != "AUC"}
    assert found["AUC of the chosen readout"].value > 0.9
    assert found["always the most frequent label"].value == 0.5
    for name in ("AUC on shuffled labels", "AUC from length alone"):
        assert found[name].control
        assert found[name].value < 0.65
    assert study.selection.baselines
    assert any("the probe is a logistic regression" in note for note in finding.notes)


@pytest.mark.parametrize(
    ("labels", "error"),
    [(["one"] * 60, "every text has the label 'one'"), ([*map(str, range(60))], "label column")],
)
def test_labels_that_no_probe_can_tell(labels, error):
    data = LabelledTexts("d", sentences(60), labels, [""] * 60, "h")
    for study in (Classification, Similarity):
        with pytest.raises(StudyError, match=error):
            study(data)


def flat(first, second, scores):
    return TextPairs("flat", first, second, np.array(scores), [""] * 60, [""] * 60, "")


def test_constant_scores():
    with pytest.raises(StudyError, match=r"all have the score 2\.5"):
        Similarity(flat(sentences(60), sentences(60, 1), [2.5] * 60))


def test_pairs_of_one_text_are_called_that():
    texts = sentences(60)
    with pytest.raises(StudyError, match="both sides of every pair are the same text"):
        Similarity(flat(texts, texts, np.arange(60.0)))
    data = flat(texts, [text.upper() for text in texts], np.arange(60.0))
    groups = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    groups |= {text.upper(): i for text, i in groups.items()}
    with pytest.raises(StudyError, match="both sides of every pair are the same text"):
        Similarity(replace(data, groups=groups))


def test_a_label_with_one_text_is_counted_as_missed(model):
    data = labelled(200)
    labels = [*data.labels[:199], "a rare one"]
    data = LabelledTexts("d", data.texts, labels, [""] * 200, "h")
    study = Classification(data, "mean@1", score="accuracy")
    (finding,), _ = answered(model, study)
    assert study.selection.row_scores[199, 0] == 0
    assert any("1 label has one text only" in note for note in finding.notes)


def test_rare_labels_that_mean_nothing_are_scored_by_auc_and_nothing_is_chosen(model):
    """95 % have one label: always predicting it is right 95 % of the time, and beats the probe."""
    texts = list(dict.fromkeys(sentences(400)))[:200]
    labels = np.random.default_rng(0).permutation(["rare"] * 10 + ["usual"] * 190).tolist()
    study = Classification(LabelledTexts("d", texts, labels, [""] * 200, "h"), "mean@*")
    (finding,), _ = answered(model, study)
    assert study.task.score == "AUC"
    assert finding.verdict == NO_CHOICE
    assert any("scored by AUC, not accuracy: 95%" in note for note in finding.notes)
    (careful,) = [note for note in finding.notes if note.startswith(CAREFUL)]
    assert careful.endswith("is not shown to do better than always predicting 'usual'")


def test_random_labels_leave_no_similarity_to_choose(model):
    texts = list(dict.fromkeys(sentences(300)))[:150]
    labels = np.random.default_rng(1).choice(["a", "b", "c"], 150).tolist()
    study = Similarity(LabelledTexts("d", texts, labels, [""] * 150, "h"), "mean@*")
    (finding,), _ = answered(model, study)
    assert finding.verdict == NO_CHOICE


def test_where_the_majority_is_beaten_nobody_is_warned(cats):
    assert not any(note.startswith(CAREFUL) for note in cats[1].notes)


def test_a_declared_test_split_is_reported_and_not_chosen_on(model):
    data = labelled(200)
    splits = ["train"] * 100 + ["dev"] * 50 + ["test"] * 50
    study = Classification(LabelledTexts("d", data.texts, data.labels, splits, "h"), "mean@*")
    (finding,), _ = answered(model, study)
    selection = study.selection
    assert selection.choice_rows.tolist() == list(range(150))
    assert selection.report_rows.tolist() == list(range(150, 200))
    assert finding.provenance["rows"] == {"chosen on": 150, "test": 50}
    test = selection.row_scores[150:, selection.chosen_index]
    assert selection.chosen.score.value == pytest.approx(test.mean())
    assert {n.where["part"] for n in finding.numbers} == {"test"}


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


def test_the_chosen_readout_is_fitted_on_all_texts(model):
    data = pairs(model, 100)
    study = Similarity(data, "mean@1|whiten(8)")
    answered(model, study)
    study.selection.__dict__["chosen"] = Choice(study.selection, [0])
    best = best_readout(study.selection, {"model_hash": model.hash})
    texts = [text for pair in zip(data.first, data.second, strict=True) for text in pair]
    np.testing.assert_allclose(
        best.transform.apply(model.embed(texts, "mean@1")),
        model.embed(texts, "mean@1|whiten(8)", fit=texts),
        atol=1e-5,
    )


def test_the_score_table_has_a_row_a_candidate(planted):
    selection = planted[0].selection
    rows = list(score_rows(selection))
    assert [row["readout"] for row in rows] == selection.names
    assert {row["part"] for row in rows} == {"all rows"}
    assert [row["readout"] for row in rows if row["chosen"]] == ["mean@1"]
    assert {row["cost"] for row in rows if row["readout"] == "cls@1"} == {1 / 3}


def test_baselines_have_columns_of_their_own(model):
    data = pairs(model, 100)
    study = Similarity(data, "mean@1")
    cache = context_for(model, [study]).vectors
    perfect = {"the same": cache["mean@1"]}
    selection = score_readouts(model, study.task, study._readouts, cache, perfect)
    np.testing.assert_array_equal(selection.row_scores[:, -1], selection.row_scores[:, 0])
    assert selection.names[-1] == "the same"
    assert selection.cost(len(selection.names) - 1) == 0


def test_a_screen_leaves_out_none_of_the_usual_readouts(model):
    """What it leaves out has a score by the discriminant only, and cannot be chosen."""
    study = Classification(labelled(200), "{cls,mean,max,sep}@* mean@*|standardize")
    answered(model, study)
    selection = study.selection
    c = len(selection.readouts)
    scored = np.isfinite(selection.choice_scores[:c])
    assert selection.screen is not None
    assert 12 <= scored.sum() < c
    assert all(scored[i] for i in selection.references.values())
    assert np.isfinite(selection.screen).all()
    by_screen = selection.screen.mean(axis=0)
    assert by_screen[scored].max() == by_screen.max()
    assert scored[selection.best_index]
    assert not (selection.tied & ~scored).any()
