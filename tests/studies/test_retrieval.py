"""The study of retrieval on questions to a bank: scores against MTEB, controls, notes, prompts."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
from pathlib import Path

import mteb
import numpy as np
import pytest
from datasets import Dataset
from mteb.abstasks import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

import poolwise
from poolwise.adapters.mteb import MtebEncoder
from poolwise.api.sweep import sweep
from poolwise.errors import OptionError
from poolwise.studies.ask import ask
from poolwise.studies.sweep import sweep as sweep_studies
from poolwise.texts import Datasets, RetrievalData
from poolwise.transforms.fitted_readout import FittedReadout

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"
GRID = "{mean,cls}@{0,-1} mean@-1|standardize"


def banking(n_queries=60, n_documents=240, **fields):
    """Questions to a bank that search others of the same intent."""
    with BANKING.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["category"] < "card_p"]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    queries, documents = rows[:n_queries], rows[n_queries : n_queries + n_documents]
    made = {
        "name": "banking77",
        "query_ids": [f"q{i}" for i in range(n_queries)],
        "queries": [row["text"] for row in queries],
        "document_ids": [f"d{i}" for i in range(n_documents)],
        "documents": [row["text"] for row in documents],
        "relevance": [
            {
                i: 1.0
                for i, document in enumerate(documents)
                if document["category"] == query["category"]
            }
            for query in queries
        ],
        "splits": [""] * n_queries,
        "hash": "banking77",
    }
    return RetrievalData(**{**made, **fields})


@pytest.fixture(scope="module")
def answered(demo):
    return list(sweep_studies(demo, Datasets(queries=[banking()]), grid=GRID))


def numbers(finding, name):
    return {n.where.get("readout"): n.value for n in finding.numbers if n.name == name}


class Banking(AbsTaskRetrieval):
    metadata = TaskMetadata(
        name="LocalBankingRetrieval",
        description="Rows that lie on this machine.",
        type="Retrieval",
        dataset={"path": "none/none", "revision": "1"},
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )

    def load_data(self, num_proc=None, **kwargs):
        data = banking()
        tables = {
            name: Dataset.from_list(
                [{"id": i, "text": text} for i, text in zip(ids, texts, strict=True)]
            )
            for name, ids, texts in (
                ("queries", data.query_ids, data.queries),
                ("corpus", data.document_ids, data.documents),
            )
        }
        relevant = {
            query: {data.document_ids[j]: 1 for j in judged}
            for query, judged in zip(data.query_ids, data.relevance, strict=True)
        }
        self.dataset = {
            "default": {"test": {**tables, "relevant_docs": relevant, "top_ranked": None}}
        }
        self.data_loaded = True

    def task_specific_scores(self, scores, *args, **options):
        """Each query's, before MTEB rounds the means to five digits."""
        self.by_query = scores
        return {}


@pytest.mark.parametrize("spec", ["mean@-1", "cls@-1"])
def test_scores_are_those_of_mteb(answered, spec):
    encoder, task = MtebEncoder(poolwise.Embedder("demo", spec)), Banking()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = mteb.evaluate(encoder, task, cache=None, show_progress_bar=False)
    finding, selection = answered[0]
    names = {
        "nDCG@10": "ndcg_cut_10",
        "recall@10": "recall_10",
        "recall@100": "recall_100",
        "precision@1": "P_1",
        "MAP": "map_cut_1000",
    }
    theirs = {
        name: [task.by_query[q][name] for q in banking().query_ids] for name in names.values()
    }
    for ours, name in names.items():
        mean = np.mean(theirs[name])
        assert numbers(finding, ours)[spec] == pytest.approx(mean, abs=1e-6), ours
    by_query = selection.row_scores[:, selection.find(spec)]
    np.testing.assert_allclose(by_query, theirs["ndcg_cut_10"], atol=1e-6)
    rounded = made.task_results[0].scores["test"][0]["mrr_at_10"]
    assert numbers(finding, "MRR@10")[spec] == pytest.approx(rounded, abs=6e-6)


def test_the_finding_has_controls_and_baselines(answered):
    finding, selection = answered[0]
    assert finding.study == "retrieval"
    assert selection.task.score == "nDCG@10"
    controls = {n.name: n.value for n in finding.numbers if n.control}
    shuffled = controls["nDCG@10 with the relevant documents of other queries"]
    random = controls["nDCG@10 of a random order"]
    assert abs(shuffled - random) < 0.1
    baselines = {n.where["readout"] for n in finding.numbers if n.baseline}
    assert baselines == {
        "BM25",
        "TF-IDF + SVD",
        "static word vectors",
        "static word vectors, SIF",
    }
    best = numbers(finding, "nDCG@10")["mean@-1"]
    assert best > numbers(finding, "nDCG@10")["BM25"] > random
    assert np.isnan(selection.row_scores[:, selection.find("cls@0")]).all()


def test_notes_tell_what_a_score_hides(demo):
    long = "my card was lost " * 100
    data = banking()
    documents = [*data.documents[:-2], long, data.documents[0].upper()]
    queries = [data.documents[0], *data.queries[1:]]
    ids = ["q3", *data.document_ids[1:]]
    changed = banking(queries=queries, documents=documents, document_ids=ids)
    finding = next(ask("retrieval", demo, Datasets(queries=[changed]), grid="mean@-1 cls@-1"))
    notes = "\n".join(finding.notes)
    assert "1 document is a copy of another as the encoder reads them" in notes
    assert "1 of 240 documents (0.4%) is longer than the encoder reads" in notes
    assert "1 query is also in the corpus, word for word" in notes
    assert (
        "1 query has the id of a document, which is left out of the ranking, as BEIR has it"
        in notes
    )
    assert "% of the first 10 documents of mean@-1 are not judged" in notes
    assert "intervals are over queries, for this corpus" in notes
    assert "BM25 by bm25s" in notes


def test_made_up_queries_are_told_first(demo):
    data = banking(proxy="no real queries: drawn")
    finding = next(ask("retrieval", demo, Datasets(queries=[data]), grid="mean@-1"))
    assert "careful: no real queries: drawn" in finding.notes
    assert not any("not judged" in note for note in finding.notes)


def test_another_score_is_chosen_by(demo):
    data = Datasets(queries=[banking()])
    finding, selection = next(sweep_studies(demo, data, grid="mean@-1 cls@-1", score="mrr@10"))
    assert selection.task.score == "MRR@10"
    assert "nDCG@10" in {n.name for n in finding.numbers}
    with pytest.raises(OptionError, match="no queries are given"):
        sweep(demo, pairs=[("a", "b", 1.0)] * 60, score="ndcg@10")


def test_the_readout_file_has_both_prompts(tiny, tmp_path, modules):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(folder, "mean")
    prompts = {"query": "find the cat ", "document": "old house "}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    texts = ["the cat", "a dog", "two men", "one small house"]
    result = sweep(str(folder), queries=[banking()], grid="mean@-1 cls@-1", query_prompt="a bird ")
    path = tmp_path / "readout.toml"
    result.best.save(path)
    assert FittedReadout.load(path).prompt == "old house "
    assert FittedReadout.load(path).query_prompt == "a bird "
    spec, embedder = str(result.best), poolwise.Embedder(str(folder), path)
    model = poolwise.load(folder)
    for vectors, prompt in (
        (embedder.encode_query(texts), "a bird "),
        (embedder.encode_document(texts), "old house "),
        (embedder.encode(texts), "old house "),
        (model.embed(texts, path), "old house "),
        (model.embed(texts, path, prompt_name="query"), "a bird "),
        (model.embed(texts, path, prompt="the "), "the "),
    ):
        np.testing.assert_allclose(vectors, model.embed(texts, spec, prompt=prompt), atol=1e-6)
