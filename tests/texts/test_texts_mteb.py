"""MTEB's tasks as data: read by mteb's own loader, from local data, without a network."""

from __future__ import annotations

import json

import pytest

mteb = pytest.importorskip("mteb")

from mteb.abstasks.classification import AbsTaskClassification  # noqa: E402
from mteb.abstasks.clustering import AbsTaskClustering  # noqa: E402
from mteb.abstasks.multilabel_classification import AbsTaskMultilabelClassification  # noqa: E402
from mteb.abstasks.pair_classification import AbsTaskPairClassification  # noqa: E402
from mteb.abstasks.retrieval import AbsTaskRetrieval  # noqa: E402
from mteb.abstasks.sts import AbsTaskSTS  # noqa: E402
from mteb.abstasks.task_metadata import TaskMetadata  # noqa: E402
from mteb.abstasks.text.bitext_mining import AbsTaskBitextMining  # noqa: E402

from poolwise.errors import TextError  # noqa: E402
from poolwise.texts import ColumnChoice, open_inferred  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def metadata(name, kind, score, path, languages=("eng-Latn",)):
    return TaskMetadata(
        name=name,
        description="made for a test",
        dataset={"path": str(path), "revision": "1"},
        type=kind,
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs=list(languages) if not isinstance(languages, dict) else languages,
        main_score=score,
        date=("2020-01-01", "2020-01-02"),
        domains=["Written"],
        task_subtypes=[],
        license="mit",
        annotations_creators="derived",
        dialect=[],
        sample_creation="found",
        bibtex_citation="",
    )


def written(folder, **splits):
    folder.mkdir()
    for split, rows in splits.items():
        lines = [json.dumps(row) for row in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    return folder


def task_of(base, meta, **attributes):
    """A task as mteb declares them: a class with its metadata."""
    return type(meta.name, (base,), {"metadata": meta, **attributes})()


def opened(task, **choice):
    return open_inferred(task, ColumnChoice(**choice))


@pytest.fixture
def labelled(tmp_path):
    rows = [{"text": f"text number {i}", "label": i % 3} for i in range(30)]
    return written(tmp_path / "labelled", train=rows[:20], test=rows[20:])


def test_classification(labelled):
    meta = metadata("LocalClassification", "Classification", "accuracy", labelled)
    inferred = opened(task_of(AbsTaskClassification, meta))
    assert inferred.sentence == (
        "LocalClassification is taken as classification, as MTEB's Classification; MTEB's main "
        "score is accuracy; its splits are used: train, test"
    )
    [labels] = inferred.datasets.labels
    assert labels.name == "LocalClassification (train), LocalClassification (test)"
    assert [*labels.splits] == ["train"] * 20 + ["test"] * 10
    assert [*labels.labels] == [str(i % 3) for i in range(30)]
    assert inferred.sentence in labels.notes


def test_a_task_by_name(labelled, monkeypatch):
    meta = metadata("LocalClassification", "Classification", "accuracy", labelled)
    task = task_of(AbsTaskClassification, meta)
    asked = []
    monkeypatch.setattr(mteb, "get_task", lambda name, hf_subsets: asked.append(name) or task)
    assert len(opened("mteb:LocalClassification").datasets.labels[0]) == 30
    assert asked == ["LocalClassification"]


def test_clustering_of_rows_and_of_lists(tmp_path):
    rows = [{"sentences": f"text {i}", "labels": f"c{i % 3}"} for i in range(12)]
    lists = [{key: [row[key] for row in rows] for key in rows[0]}]
    for name, data in {"rows": rows, "lists": lists}.items():
        meta = metadata("LocalClustering", "Clustering", "v_measure", tmp_path / name)
        written(tmp_path / name, test=data)
        inferred = opened(task_of(AbsTaskClustering, meta))
        assert inferred.datasets.task == "clustering"
        [labels] = inferred.datasets.labels
        assert [*labels.labels] == [f"c{i % 3}" for i in range(12)]
        assert {*labels.splits} == {""}


def test_pairs(tmp_path):
    rows = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "score": i / 2} for i in range(9)]
    meta = metadata("LocalSTS", "STS", "cosine_spearman", written(tmp_path / "sts", test=rows))
    [pairs] = opened(task_of(AbsTaskSTS, meta)).datasets.pairs
    assert pairs.scores.tolist() == [i / 2 for i in range(9)]
    rows = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "labels": i % 2} for i in range(9)]
    folder = written(tmp_path / "pc", test=rows)
    meta = metadata("LocalPairs", "PairClassification", "max_ap", folder)
    inferred = opened(task_of(AbsTaskPairClassification, meta))
    assert inferred.task == "pair-classification"
    assert inferred.datasets.pairs[0].scores.tolist() == [i % 2 for i in range(9)]


def test_bitext(tmp_path):
    rows = [{"sentence1": f"a {i}", "sentence2": f"b {i}"} for i in range(9)]
    meta = metadata("LocalBitext", "BitextMining", "f1", written(tmp_path / "b", train=rows))
    inferred = opened(task_of(AbsTaskBitextMining, meta))
    assert inferred.datasets.task == "bitext"
    assert [*inferred.datasets.queries[0].queries] == [f"a {i}" for i in range(9)]


def test_retrieval(tmp_path):
    from datasets import Dataset

    split = {
        "queries": Dataset.from_dict({"id": ["q1", "q2"], "text": ["cats", "dogs"]}),
        "corpus": Dataset.from_dict(
            {"id": ["d1", "d2"], "title": ["", "Dogs"], "text": ["a cat", "one dog"]}
        ),
        "relevant_docs": {"q1": {"d1": 1}, "q2": {"d2": 2}},
        "top_ranked": None,
    }
    meta = metadata("LocalRetrieval", "Retrieval", "ndcg_at_10", tmp_path)
    task = task_of(AbsTaskRetrieval, meta)
    task.dataset, task.data_loaded = {"default": {"test": split}}, True
    inferred = opened(task)
    assert "MTEB's main score is ndcg_at_10" in inferred.sentence
    [queries] = inferred.datasets.queries
    assert [*queries.queries] == ["cats", "dogs"]
    assert [*queries.documents] == ["a cat", "Dogs one dog"]
    assert [dict(grades) for grades in queries.relevance] == [{0: 1}, {1: 2}]


def test_subsets_are_named(labelled, tmp_path):
    languages = {"en": ["eng-Latn"], "de": ["deu-Latn"]}
    meta = metadata("LocalMany", "Classification", "accuracy", tmp_path, languages)
    task = task_of(AbsTaskClassification, meta)
    from datasets import load_dataset

    task.dataset, task.data_loaded = {lang: load_dataset(str(labelled)) for lang in languages}, True
    with pytest.raises(TextError, match=r"has the subsets en, de; name one, .* mteb:LocalMany:en"):
        opened(task)
    del task.dataset["en"]
    assert opened(task).sentence.startswith("LocalMany (de) is taken as classification")


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else asked, for long
    meta = metadata("LocalTags", "MultilabelClassification", "f1", tmp_path)
    with pytest.raises(TextError, match="of the kind MultilabelClassification, expected one of"):
        opened(task_of(AbsTaskMultilabelClassification, meta))
    with pytest.raises(TextError, match="has no task 'Banking77'; did you mean Banking77Classif"):
        opened("mteb:Banking77")
    with pytest.raises(TextError, match=r"get_task\('Banking77Classification'\)\.load_data\(\)"):
        opened("mteb:Banking77Classification")
