"""MTEB runs small tasks on local data with a poolwise encoder, and with sentence-transformers."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import warnings
from pathlib import Path

import mteb
import numpy as np
import pytest
from datasets import Dataset, DatasetDict
from mteb.abstasks import AbsTaskClassification, AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.types import PromptType
from sentence_transformers import SentenceTransformer

import poolwise
from poolwise.adapters.mteb import MtebEncoder
from poolwise.embedder import Embedder
from poolwise.errors import MissingExtraError

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"
KINDS = ("card_arrival", "exchange_rate", "lost_or_stolen_card")


def metadata(name, kind, score):
    return TaskMetadata(
        name=name,
        description="Rows that lie on this machine.",
        type=kind,
        dataset={"path": "none/none", "revision": "1"},
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score=score,
    )


class Banking(AbsTaskClassification):
    metadata = metadata("LocalBanking", "Classification", "accuracy")
    n_experiments = 2

    def load_data(self, num_proc=None, **kwargs):
        with BANKING.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        chosen = [
            {"text": row["text"], "label": label, "split": n % 2}
            for label, kind in enumerate(KINDS)
            for n, row in enumerate([row for row in rows if row["category"] == kind][:24])
        ]
        self.dataset = DatasetDict(
            {
                split: Dataset.from_list(
                    [{"text": r["text"], "label": r["label"]} for r in chosen if r["split"] == n]
                )
                for n, split in enumerate(("train", "test"))
            }
        )
        self.data_loaded = True


class Pairs(AbsTaskSTS):
    metadata = metadata("LocalPairs", "STS", "cosine_spearman")

    def load_data(self, num_proc=None, **kwargs):
        rows = [
            ("A cat sits on the mat.", "A cat is sitting on a mat.", 5.0),
            ("A cat sits on the mat.", "A kitten lies on the rug.", 3.5),
            ("A man plays the guitar.", "A woman plays the violin.", 2.5),
            ("A man plays the guitar.", "The parliament passed the law.", 0.0),
            ("The train leaves at noon.", "The train departs at twelve.", 4.5),
        ]
        table = [{"sentence1": a, "sentence2": b, "score": s} for a, b, s in rows]
        self.dataset = DatasetDict({"test": Dataset.from_list(table)})
        self.data_loaded = True


def score(model, task):
    made = mteb.evaluate(model, task, cache=None, show_progress_bar=False)
    return made.task_results[0].get_score()


@pytest.fixture(scope="module")
def theirs(demo):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(demo.folder), device="cpu")


@pytest.mark.parametrize("task", [Banking, Pairs])
def test_scores_are_those_of_sentence_transformers(theirs, task):
    ours = score(MtebEncoder(Embedder("demo")), task())
    assert ours > 0.7
    with warnings.catch_warnings():
        # mteb wraps a SentenceTransformer by names that both have given up.
        warnings.filterwarnings("ignore", ".*get_sentence_embedding_dimension", FutureWarning)
        warnings.filterwarnings("ignore", "The fill_missing parameter", DeprecationWarning)
        assert ours == pytest.approx(score(theirs, task()), abs=1e-6)


def test_the_encoder_keeps_the_protocol(demo):
    encoder = MtebEncoder(Embedder("demo", "mean@-1"))
    assert isinstance(encoder, mteb.EncoderProtocol)
    meta = encoder.mteb_model_meta
    assert meta.name == "poolwise/demo"
    assert meta.revision == demo.hash
    assert meta.embed_dim == 384


def test_kept_results_of_two_embedders_stay_apart(tiny, tmp_path):
    folder = str(tiny("bert"))
    words = ["the cat", "a dog", "two men", "one small house"]
    embedders = [
        Embedder(folder, "mean@-1"),
        Embedder(folder, "cls@-1"),
        Embedder(folder, "mean@-1|center").fit(words),
        Embedder(folder, "mean@-1|center").fit(words[:3]),
    ]
    cache = mteb.ResultCache(tmp_path)
    for embedder in embedders:
        mteb.evaluate(MtebEncoder(embedder), Pairs(), cache=cache, show_progress_bar=False)
    assert len(list(tmp_path.rglob("LocalPairs.json"))) == len(embedders)


def test_similarities_are_cosines(tiny):
    encoder = MtebEncoder(Embedder(str(tiny("bert")), "mean@-1"))
    batches = [{"text": ["the cat", "a dog"]}, {"text": ["two men"]}]
    made = encoder.encode(batches, task_metadata=None, hf_split="test", hf_subset="default")
    expected = poolwise.load(tiny("bert")).embed(["the cat", "a dog", "two men"], "mean@-1")
    assert made.tolist() == expected.tolist()
    assert encoder.similarity(made, made).diagonal().tolist() == pytest.approx([1, 1, 1])
    assert encoder.similarity_pairwise(made, made).tolist() == pytest.approx([1, 1, 1])


def test_a_missing_mteb_names_its_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "poolwise.adapters.mteb")
    monkeypatch.setitem(sys.modules, "mteb.models", None)
    with pytest.raises(MissingExtraError, match=r"poolwise\[mteb\]"):
        import poolwise.adapters.mteb  # noqa: F401


@pytest.mark.parametrize(
    ("kind", "prompt"), [("query", "one two "), ("document", "a "), (None, "")]
)
def test_queries_and_documents_have_the_folders_prompts(tiny, tmp_path, modules, kind, prompt):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(folder, "mean")
    said = {"prompts": {"query": "one two ", "document": "a "}, "similarity_fn_name": "dot"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    encoder = MtebEncoder(Embedder(str(folder)))
    texts = ["the cat sat", "two dogs"]
    place = {"task_metadata": None, "hf_split": "", "hf_subset": ""}
    made = encoder.encode(
        [{"text": texts}], prompt_type=None if kind is None else PromptType(kind), **place
    )
    theirs = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    expected = theirs.encode(texts, prompt=prompt, show_progress_bar=False)
    np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(
        encoder.similarity(made, made), theirs.similarity(expected, expected), rtol=1e-4
    )
    np.testing.assert_allclose(
        encoder.similarity_pairwise(made, made),
        theirs.similarity_pairwise(expected, expected),
        rtol=1e-4,
    )
    assert encoder.mteb_model_meta.similarity_fn_name.value == "dot"
