"""MTEB's own wrappers of servers, unmodified, against a server's process."""

from __future__ import annotations

import numpy as np
import pytest

mteb = pytest.importorskip("mteb")

from datasets import Dataset, DatasetDict  # noqa: E402
from mteb.abstasks import AbsTaskClassification, AbsTaskSTS  # noqa: E402
from mteb.abstasks.task_metadata import TaskMetadata  # noqa: E402
from mteb.models.openai_wrappers import (  # noqa: E402
    OpenAIAPIEncodeWrapper,
    OpenAIAPITokenEmbedWrapper,
)

from poolwise.adapters.mteb import MtebEncoder  # noqa: E402
from poolwise.embedder import Embedder  # noqa: E402

WORDS = "the cat sat on a mat we saw sea and big red house small dog by".split()


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


def sentences(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 90))) for _ in range(n)]


class Pairs(AbsTaskSTS):
    metadata = metadata("ServedPairs", "STS", "cosine_spearman")

    def load_data(self, num_proc=None, **kwargs):
        rng = np.random.default_rng(3)
        pairs = zip(sentences(40, 1), sentences(40, 2), strict=True)
        rows = [{"sentence1": a, "sentence2": b, "score": rng.uniform(0, 5)} for a, b in pairs]
        self.dataset = DatasetDict({"test": Dataset.from_list(rows)})
        self.data_loaded = True


class Lengths(AbsTaskClassification):
    metadata = metadata("ServedLengths", "Classification", "accuracy")
    n_experiments = 2

    def load_data(self, num_proc=None, **kwargs):
        self.dataset = DatasetDict(
            {
                split: Dataset.from_list(
                    [{"text": t, "label": int(len(t) > 180)} for t in sentences(60, seed)]
                )
                for seed, split in enumerate(("train", "test"), 4)
            }
        )
        self.data_loaded = True


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module")
def url(live_server, folder):
    return live_server(folder, "-r", "mean@-1")


def score(model, task):
    made = mteb.evaluate(
        model, task, cache=None, show_progress_bar=False, encode_kwargs={"batch_size": 16}
    )
    return made.task_results[0].get_score()


@pytest.mark.filterwarnings("ignore:.* were cut to 64 tokens:poolwise.errors.PoolwiseWarning")
@pytest.mark.parametrize(("task", "messages"), [(Pairs, False), (Pairs, True), (Lengths, False)])
def test_scores_through_a_server_are_those_of_the_encoder(url, folder, task, messages):
    wrapper = OpenAIAPIEncodeWrapper(
        url, folder.name, use_chat_template=messages, modalities=["text"]
    )
    assert wrapper.max_length == 64
    ours = score(MtebEncoder(Embedder(str(folder), "mean@-1")), task())
    assert score(wrapper, task()) == ours


@pytest.mark.parametrize("messages", [False, True])
def test_token_vectors_through_a_server_are_the_models(url, folder, messages):
    import poolwise

    texts, queries = sentences(12, 7), sentences(3, 8)
    model = poolwise.load(folder)
    wrapper = OpenAIAPITokenEmbedWrapper(
        url, folder.name, use_chat_template=messages, modalities=["text"]
    )
    place = {
        "task_metadata": Pairs.metadata,
        "hf_split": "test",
        "hf_subset": "default",
        "encode_kwargs": {"batch_size": 5, "show_progress_bar": False},
        "num_proc": None,
    }
    rows = [{"id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    wrapper.index(Dataset.from_list(rows), **place)
    asked = Dataset.from_list([{"id": f"q{i}", "text": text} for i, text in enumerate(queries)])
    found = wrapper.search(asked, top_k=len(texts), **place)

    def tokens(text):
        (outputs,) = model.token_outputs([text], layers=[model.depth])
        rows = outputs.hidden_states[0][0].astype(np.float64)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    documents = [tokens(text) for text in texts]
    for i, query in enumerate(queries):
        scores = [(tokens(query) @ document.T).max(axis=1).sum() for document in documents]
        expected = {f"d{j}": score for j, score in enumerate(scores)}
        assert found[f"q{i}"] == pytest.approx(expected, abs=1e-4)
