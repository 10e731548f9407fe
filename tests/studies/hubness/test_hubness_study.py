from types import SimpleNamespace

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.selection.tasks.neighbours_task import NeighboursTask
from poolwise.statistics.hubness import occurrence_skewness
from poolwise.statistics.paired import mean_differences
from poolwise.studies.hubness import Hubness
from poolwise.studies.hubness.scores import StepEffects, step_effects
from poolwise.studies.hubness.text_index import MOST_QUERIES, text_index
from poolwise.studies.hubness.verdict import _steps as steps_said
from poolwise.studies.hubness.verdict import verdict
from poolwise.studies.hubness.views import base_readouts, gaussian_view, hub_view, steps_for, views
from poolwise.studies.run import context_for
from poolwise.texts import LabelledTexts, RetrievalData

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(2 * n)]
    return list(dict.fromkeys(drawn))[:n]


def labelled(n=240):
    texts = sentences(n)
    return LabelledTexts("words", texts, [t.split()[0] for t in texts], [""] * n, "")


def retrieval(q=120, m=60):
    texts = sentences(q + m)
    queries, documents = texts[:q], texts[q:]
    ids = [f"d{i}" for i in range(m)]
    relevance = [{i % m: 1.0} for i in range(q)]
    names = [f"q{i}" for i in range(q)]
    return RetrievalData("made", names, queries, ids, documents, relevance, [""] * q, "")


def answer(model, data):
    study = Hubness(data)
    context = context_for(model, [study])
    (finding,) = study.run(context)
    return SimpleNamespace(study=study, cache=context.vectors, finding=finding)


@pytest.fixture(scope="module")
def run(model):
    return answer(model, labelled())


def number(finding, name, readout):
    (found,) = [n for n in finding.numbers if n.name == name and n.where["readout"] == readout]
    return found


SKEWNESS = "skewness of k-occurrence"


@pytest.mark.parametrize("step", ["", "|center", "|standardize"])
def test_neighbours_are_those_of_numpy_without_the_text_itself(run, step):
    rows = run.cache.rows(run.study._index.documents)
    x = run.cache["mean@2"][rows].astype(float)
    if step:
        x = x - x.mean(axis=0)
    if step == "|standardize":
        x = x / x.std(axis=0)
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = u @ u.T
    np.fill_diagonal(cosines, -2)
    near = np.argsort(-cosines)[:, :10]
    expected = occurrence_skewness(near, len(x))
    found = number(run.finding, SKEWNESS, f"mean@2{step}")
    assert found.value == pytest.approx(expected.value, abs=0.02)
    assert found.low == pytest.approx(expected.estimate.low, abs=0.05)
    share = number(run.finding, "queries near the largest hub", f"mean@2{step}")
    assert share.value == pytest.approx(np.bincount(near.ravel()).max() / len(x), abs=0.01)
    assert share.low is None
    assert share.note


def test_what_is_used_now_comes_first_and_a_constant_vector_has_no_hubs(run, model):
    assert str(base_readouts(model)[0]) == "mean@-1"
    assert len(base_readouts(model)) == 8
    names = [n.where["readout"] for n in run.finding.numbers if n.name == SKEWNESS]
    assert names[0] == "mean@-1"
    assert not any(name.startswith("cls@0") for name in names)
    assert "values exchanged among texts" in names


def test_effects_on_the_score_are_those_of_the_task_paired_by_row(run):
    data = labelled()
    task = NeighboursTask(data, 0)
    readouts = [parse("mean@-1"), parse("mean@-1|center")]
    columns = [task.row_scores(run.cache, run.cache["mean@-1"], r) for r in readouts]
    expected = mean_differences(np.column_stack(columns), 0, task.groups)[1].value
    rows = run.study._index.rows(run.cache, "words")
    of_base = list(views(parse("mean@-1"), ["as pooled", "center"], run.cache, rows))
    effects = step_effects(of_base, run.cache, task)
    found = effects.score["center"].difference.value
    assert (found.value, found.low) == pytest.approx((expected.value, expected.low))


def test_queries_search_documents_and_relevance_judges(model):
    run = answer(model, retrieval())
    assert any(n.name == "center" for n in run.finding.numbers)
    assert "documents" in run.finding.evidence
    assert any("nDCG@10" in note for note in run.finding.notes)
    assert len(run.study._index.left_out) == 120


def test_a_query_does_not_find_the_document_of_its_own_id_or_text(model):
    data = retrieval()
    ids = [*data.document_ids]
    ids[5] = "q7"
    documents = [*data.documents]
    documents[9] = data.queries[3]
    changed = RetrievalData(
        "made", data.query_ids, data.queries, ids, documents, data.relevance, data.splits, ""
    )
    index = text_index(changed, model, 0)
    own = dict(zip(index.queries, index.left_out.tolist(), strict=True))
    assert index.documents[own[data.queries[7]]] == documents[5]
    assert index.documents[own[data.queries[3]]] == documents[9]
    assert own[data.queries[0]] == -1


def test_texts_without_labels_have_hubs_but_no_score(model, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(sentences(150)))
    result = poolwise.ask("hubness", model, texts=path)
    assert "nDCG" not in result.verdict
    assert "precision" not in result.verdict
    assert len(result.findings[0].charts) == 4


def test_labels_that_tell_nothing_leave_the_hubs(model):
    texts = sentences(120)
    data = LabelledTexts("own", texts, [f"label {t}" for t in texts], [""] * 120, "")
    finding = answer(model, data).finding
    assert any(note.startswith("no score stands beside the hubs: own: ") for note in finding.notes)


def test_hubs_that_a_direction_makes_are_gone_when_centred():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 40)) + 0.6
    own = np.arange(600)
    crowd = hub_view(parse("mean@-1"), "as pooled", x, x, own)
    centred = hub_view(parse("mean@-1"), "center", x - x.mean(axis=0), x - x.mean(axis=0), own)
    effects = step_effects([crowd, centred], None, None)
    rows = SimpleNamespace(documents=own, queries=own, left_out=own)
    gaussian = gaussian_view(parse("mean@-1"), 40, rows, 0)
    said = verdict(effects, gaussian, "text")
    assert said == (
        "There are hubs under mean@-1, more than dimension makes; center makes them weaker."
    )
    assert verdict(step_effects([centred], None, None), gaussian, "text").startswith("No text is")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0, 0], "a and b make them weaker, and no change of nDCG@10 is shown"),
        ([1, 1], "a and b make them weaker, and raise nDCG@10"),
        ([-1, -1], "a and b make them weaker, but lower nDCG@10"),
        ([1, -1], "a and b make them weaker; a raises and b lowers nDCG@10"),
        ([0, -1], "a and b make them weaker; b lowers nDCG@10"),
    ],
)
def test_a_verdict_names_what_steps_do_to_both(scores, said):
    def family(signs):
        return SimpleNamespace(sign=dict(zip("ab", signs, strict=True)).__getitem__)

    views = [SimpleNamespace(step=step) for step in "ab"]
    effects = StepEffects(None, views, family([-1, -1]), family(scores), "nDCG@10")
    assert steps_said(effects) == said


def test_whitening_keeps_no_more_dimensions_than_documents_carry():
    assert steps_for(384, 5000)[-1] == "whiten(256)"
    assert steps_for(384, 77)[-1] == "whiten(32)"
    assert steps_for(8, 77) == ["as pooled", "center", "standardize"]


def test_too_few_texts_are_an_error(model):
    with pytest.raises(StudyError, match="hubs are looked for among 100 or more"):
        answer(model, labelled(80))
    assert MOST_QUERIES >= 1000
