"""MTEB's layouts of retrieval sets, as Hugging Face datasets in folders."""

from __future__ import annotations

import datasets
import pytest
from datasets import Dataset, DatasetDict

from poolwise.errors import TextError
from poolwise.texts import open_queries

ROWS = {
    "corpus": [
        {"_id": "d1", "title": "Cats", "text": "They purr."},
        {"_id": "d2", "title": "", "text": "Dogs bark."},
    ],
    "queries": [{"_id": "q1", "text": "who purrs"}, {"_id": "q2", "text": "who barks"}],
    "test": [{"query-id": "q1", "corpus-id": "d1", "score": 2}],
    "dev": [{"query-id": "q2", "corpus-id": "d2", "score": 1}],
}
EXPECTED = {"who purrs": {"Cats They purr.": 2}, "who barks": {"Dogs bark.": 1}}


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def judged(data):
    return {
        query: {data.documents[place]: grade for place, grade in grades.items()}
        for query, grades in zip(data.queries, data.relevance, strict=True)
    }


def rows(name):
    return Dataset.from_list(ROWS[name])


def parquet(folder, *splits, prefix="", qrels="qrels"):
    """The folders of a dataset's configurations, as they lie on the hub."""
    parts = {"corpus": ["corpus"], "queries": ["queries"], qrels: splits}
    for config, names in parts.items():
        for name in names:
            split = name if config == qrels else "test"
            path = folder / f"{prefix}{config}" / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows(name).to_parquet(path)
    return folder


def card(folder, configs):
    """A README.md that lists configurations as MTEB's do: name, folder, splits and their files."""
    lines = ["---", "configs:"]
    for name, config_folder, splits in configs:
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, file in splits.items():
            lines += [f"  - split: {split}", f"    path: {config_folder}/{file}*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))


@pytest.mark.parametrize("qrels", ["qrels", "default"])
def test_folders_of_parquet(tmp_path, qrels):
    folder = parquet(tmp_path / "set", "test", "dev", qrels=qrels)
    for address in (folder, f"hf:{folder}"):
        data = open_queries(str(address))
        assert judged(data) == EXPECTED
        assert data.name == "set"
        assert dict(zip(data.query_ids, data.splits, strict=True)) == {"q1": "test", "q2": "dev"}
    assert judged(open_queries(f"hf:{folder}:dev")) == {"who barks": {"Dogs bark.": 1}}
    with pytest.raises(TextError, match="found the splits validation, test, but no 'train'"):
        open_queries(f"hf:{folder}:train")


def test_a_card_that_names_the_configurations(tmp_path):
    folder = parquet(tmp_path / "set", "test", "dev")
    configs = [
        ("corpus", "corpus", {"corpus": "test"}),
        ("queries", "queries", {"queries": "test"}),
        ("default", "qrels", {"test": "test", "validation": "dev"}),
    ]
    card(folder, configs)
    data = open_queries(f"hf:{folder}")
    assert judged(data) == EXPECTED
    assert dict(zip(data.query_ids, data.splits, strict=True)) == {"q1": "test", "q2": "dev"}


def test_what_mteb_reads_of_the_same_folder(tmp_path):
    from mteb._create_dataloaders import _corpus_to_dict
    from mteb.abstasks.retrieval_dataset_loaders import RetrievalDatasetLoader

    folder = parquet(tmp_path / "set", "test", "dev")
    splits = {"test": "test", "dev": "dev"}
    configs = [
        ("corpus", "corpus", {"corpus": "test"}),
        ("queries", "queries", {"queries": "test"}),
        ("default", "qrels", splits),
    ]
    card(folder, configs)
    for split in splits:
        theirs = RetrievalDatasetLoader(str(folder), revision=None, split=split).load()
        ours = open_queries(f"hf:{folder}:{split}")
        documents = {row["id"]: _corpus_to_dict(row)["text"] for row in theirs["corpus"]}
        assert dict(zip(ours.document_ids, ours.documents, strict=True)) == documents
        queries = {row["id"]: row["text"] for row in theirs["queries"]}
        assert dict(zip(ours.query_ids, ours.queries, strict=True)) == queries
        assert {
            query: {ours.document_ids[place]: grade for place, grade in grades.items()}
            for query, grades in zip(ours.query_ids, ours.relevance, strict=True)
        } == theirs["relevant_docs"]


def test_a_subset(tmp_path):
    folder = parquet(tmp_path / "set", "test", "dev", prefix="de-")
    assert judged(open_queries(f"hf:{folder}:de")) == EXPECTED
    assert judged(open_queries(f"hf:{folder}:de:test")) == {"who purrs": {"Cats They purr.": 2}}
    with pytest.raises(TextError, match=r"found the subsets de, expected one of them: .*set:de"):
        open_queries(f"hf:{folder}")


def test_saved_datasets(tmp_path):
    rows("corpus").save_to_disk(tmp_path / "set" / "corpus")
    rows("queries").save_to_disk(tmp_path / "set" / "queries")
    qrels = DatasetDict({"test": rows("test"), "dev": rows("dev")})
    qrels.save_to_disk(tmp_path / "set" / "default")
    assert judged(open_queries(str(tmp_path / "set"))) == EXPECTED


def test_judgments_of_relevant_documents_alone(tmp_path):
    folder = parquet(tmp_path / "set")
    (folder / "qrels").mkdir()
    nano = Dataset.from_list([{"query-id": "q1", "corpus-id": ["d1", "d2"]}])
    nano.to_parquet(folder / "qrels" / "test.parquet")
    expected = {"who purrs": {"Cats They purr.": 1, "Dogs bark.": 1}}
    assert judged(open_queries(str(folder))) == expected


def test_parts_that_are_named(tmp_path):
    folder = parquet(tmp_path / "set", "test")
    parts = (f"hf:{folder}/{config}:test" for config in ("queries", "corpus", "qrels"))
    assert judged(open_queries(*parts)) == {"who purrs": {"Cats They purr.": 2}}


def test_no_judgments(tmp_path):
    folder = parquet(tmp_path / "set")
    with pytest.raises(TextError, match="configurations corpus and queries, but no judgments"):
        open_queries(f"hf:{folder}")
    with pytest.raises(TextError, match="no such folder"):
        open_queries(f"hf:{tmp_path}/nothing")


def test_positives(tmp_path):
    Dataset.from_list([{"anchor": "a", "positive": "b"}]).save_to_disk(tmp_path / "set")
    assert judged(open_queries(f"hf:{tmp_path}/set")) == {"a": {"b": 1}}


def test_a_folder_of_beir_with_the_prefix(write):
    folder = write("set/queries.jsonl", '{"_id": "q", "text": "x"}').parent
    write("set/corpus.jsonl", '{"_id": "d", "text": "y"}')
    write("set/qrels.tsv", "q\td\t1\n")
    assert judged(open_queries(f"hf:{folder}")) == {"x": {"y": 1}}
