from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.scoring import score_readouts
from poolwise.statistics.geometry import anisotropy
from poolwise.statistics.isotropy import iso_score
from poolwise.statistics.paired import mean_differences
from poolwise.studies.hints import Hints
from poolwise.studies.hints.choices import AS_POOLED, EVERY, hint_choices
from poolwise.studies.hints.label_free_scores import LABEL_FREE_SCORES
from poolwise.studies.hints.sample import TextSample, without_words
from poolwise.studies.hints.values import DEEPEST, LONGEST, RANDOM, ScoreTable, score_table
from poolwise.studies.hints.verdict import verdict
from poolwise.studies.run import context_for
from poolwise.texts import LabelledTexts, RetrievalData, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(2 * n)]
    return list(dict.fromkeys(drawn))[:n]


def labelled(n=240, splits=""):
    texts = sentences(n)
    return LabelledTexts("words", texts, [t.split()[0] for t in texts], [splits] * n, "")


@pytest.fixture(scope="module")
def run(model):
    study = Hints(labelled())
    context = context_for(model, [study])
    (finding,) = study.run(context)
    cache = context.vectors
    selection = score_readouts(model, study.task, study._readouts, cache)
    rows = study._sample.rows(cache, "words")
    table = score_table(model, study._readouts, cache, rows)
    choices = hint_choices(selection, table)
    return SimpleNamespace(**locals())


def value(run, name, readout):
    return run.table.values[run.table.names.index(name), run.selection.find(readout)]


def choice(run, name, among=AS_POOLED):
    (found,) = [c for c in run.choices if c.name == name and c.among == among]
    return found


def test_scores_are_of_texts_that_steps_were_not_fitted_on_and_turned_so_that_more_is_better(run):
    x = run.cache["mean@2"][run.rows.measured].astype(float)
    fitted = run.cache["mean@2"][run.rows.fitted].astype(float)
    assert value(run, "mean cosine", "mean@2") == pytest.approx(-anisotropy(x).value)
    assert value(run, "IsoScore", "mean@2") == pytest.approx(iso_score(x))
    scaled = (x - fitted.mean(axis=0)) / fitted.std(axis=0)
    assert value(run, "IsoScore", "mean@2|standardize") == pytest.approx(
        iso_score(scaled), abs=1e-6
    )
    assert not set(run.rows.measured.tolist()) & set(run.rows.fitted.tolist())


def test_a_choice_is_the_highest_value_and_its_cost_is_paired_by_row(run):
    found = choice(run, "IsoScore")
    row = run.table.values[run.table.names.index("IsoScore")]
    pooled = [i for i, r in enumerate(run.selection.readouts) if not r.needs_fit]
    assert found.indices == [max((i for i in pooled if not np.isnan(row[i])), key=lambda i: row[i])]
    scores = run.selection.report_scores
    pair = scores[:, [run.selection.reference, found.indices[0]]]
    expected = mean_differences(pair, 0, run.selection.report_groups)[1].value
    assert found.against_used.value.value == pytest.approx(expected.value, abs=1e-12)
    assert found.against_used.value.low == pytest.approx(expected.low, abs=1e-12)


def test_a_readout_at_random_scores_the_mean_and_ties_are_drawn_from(run):
    scores = run.selection.report_scores
    used = scores[:, run.selection.reference].mean()
    pooled = [i for i, r in enumerate(run.selection.readouts) if not r.needs_fit]
    expected = scores[:, pooled].mean() - used
    assert choice(run, RANDOM).against_used.value.value == pytest.approx(expected, abs=1e-12)
    assert choice(run, RANDOM).upper_less_lower.value.value is None
    depths = [r.layer_indices(3) for r in run.selection.readouts]
    assert all(3 in depths[i] for i in choice(run, DEEPEST).indices)
    assert len(choice(run, DEEPEST).indices) > 1


def test_a_readout_whose_vector_is_the_same_for_every_text_is_never_chosen(run):
    scores = run.table.values[: len(LABEL_FREE_SCORES)]
    for readout in ("cls@0", "cls@0|standardize"):
        assert np.isnan(scores[:, run.selection.find(readout)]).all()


def test_the_layer_below_is_that_of_the_same_pool_and_the_embeddings_have_none(run):
    assert np.isnan(value(run, "CKA with the layer below", "mean@0"))
    assert np.isnan(value(run, "CKA with the layer below", "mean@avg(0,-1)"))
    assert -1 <= value(run, "CKA with the layer below", "mean@-1") < 0


def test_numbers_charts_and_verdict_are_of_every_score_and_control(run):
    names = {n.where["score without labels"] for n in run.finding.numbers}
    assert names == {*(score.name for score in LABEL_FREE_SCORES), RANDOM, DEEPEST, LONGEST} | {
        "the most dimensions"
    }
    controls = {n.where["score without labels"] for n in run.finding.numbers if n.control}
    assert RANDOM in controls
    assert len(controls) == 4
    assert len(run.finding.charts) == 3
    assert {row.group for row in run.finding.charts[0].rows} == {AS_POOLED, EVERY}
    correlations = [n for n in run.finding.numbers if n.name == "Spearman over readouts"]
    assert all(n.low is None and n.note for n in correlations)


def planted(run, shift):
    """A selection where candidate 0 scores ``shift`` more than the one in use, and a score that
    chooses it."""
    rng = np.random.default_rng(0)
    n, c = len(run.selection.task), len(run.selection.readouts)
    noise = 0.05 * rng.normal(size=(n, c))
    scores = 0.5 + noise + shift * (np.arange(c) == 0)
    selection = replace(run.selection, baselines=(), row_scores=scores)
    values = np.vstack([np.arange(c)[::-1], np.zeros((4, c))])
    names = ["planted", RANDOM, DEEPEST, "the most dimensions", LONGEST]
    return selection, hint_choices(selection, ScoreTable(names, values))


def test_a_choice_that_is_better_or_worse_is_called_so(run):
    selection, choices = planted(run, 0.2)
    assert choices[0].better
    assert not choices[0].worse
    assert "every score without labels would have chosen better" in verdict(selection, choices)
    assert abs(choices[0].against_best.value.value) < 0.02
    selection, choices = planted(run, -0.2)
    assert choices[0].worse
    assert verdict(selection, choices).startswith("No: no score without labels is shown")
    selection, choices = planted(run, 0.0)
    assert not choices[0].better
    assert not choices[0].worse


def test_pairs_are_judged_too_and_rows_of_test_where_the_data_declare_some(model):
    texts = sentences(400)
    splits = ["train"] * 150 + ["test"] * 50
    scores = np.random.default_rng(0).random(200)
    pairs = TextPairs("scored", texts[:200], texts[200:], scores, [""] * 200, splits, "")
    study = Hints(pairs, grid="mean@* cls@*")
    measured = {*study._sample.measured, *study._sample.fitted}
    assert not measured & {*texts[150:200], *texts[350:400]}
    (finding,) = study.run(context_for(model, [study]))
    assert {n.where["part"] for n in finding.numbers} == {"test"}
    assert {row.group for row in finding.charts[0].rows} == {AS_POOLED}


def test_queries_are_judged_by_relevance_and_the_more_numerous_of_both_sides_are_read(model):
    texts = sentences(300)
    queries, documents = texts[:100], texts[100:]
    names, ids = ([f"{kind}{i}" for i in range(200)] for kind in "qd")
    relevance = [{i: 1.0} for i in range(100)]
    data = RetrievalData(
        "made", names[:100], queries, ids, documents, relevance, [""] * 100, "hash"
    )
    study = Hints(data, grid="mean@* cls@*")
    assert {*study._sample.measured, *study._sample.fitted} == set(documents)
    (finding,) = study.run(context_for(model, [study]))
    assert any(n.name == "nDCG@10 of the choice less mean@-1" for n in finding.numbers)


def test_a_shortened_text_lacks_a_fifth_of_its_words_in_their_order():
    rng = np.random.default_rng(0)
    text = " ".join(map(str, range(10)))
    words = without_words(text, rng).split()
    assert len(words) == 8
    assert words == sorted(words, key=int)
    assert without_words("two words", rng) in ("two", "words")
    assert without_words("one", rng) is None


def test_texts_without_words_to_lose_leave_alignment_undefined(model):
    texts = [f"{a}{b}{c}" for a in WORDS for b in "abcd" for c in "xyz"]
    data = LabelledTexts("joined", texts, [t[0] for t in texts], [""] * len(texts), "")
    assert not TextSample.of(texts, 0).shortened
    study = Hints(data, grid="mean@*")
    (finding,) = study.run(context_for(model, [study]))
    assert any(
        "undefined for every readout: " in note and "LiDAR" in note for note in finding.notes
    )


def test_too_few_texts_are_an_error(model):
    texts = sentences(10) * 6
    data = LabelledTexts("few", texts, [t.split()[0] for t in texts], [""] * 60, "")
    study = Hints(data, grid="mean@*")
    with pytest.raises(StudyError, match="3 different texts to read scores without labels from"):
        list(study.run(context_for(model, [study])))
