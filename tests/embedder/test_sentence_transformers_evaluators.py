"""sentence-transformers' evaluators and searches: an Embedder has the scores of its own model."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset
from sentence_transformers import InputExample, SentenceTransformer
from sentence_transformers.base.evaluation import SequentialEvaluator
from sentence_transformers.sentence_transformer import evaluation
from sentence_transformers.util import (
    community_detection,
    mine_hard_negatives,
    paraphrase_mining,
    semantic_search,
)

from poolwise.embedder import Embedder


@pytest.fixture(scope="module")
def stock(demo):
    return SentenceTransformer(str(demo.folder), device="cpu")


@pytest.fixture(scope="module", params=["Embedder", "as_sentence_transformer"])
def model(request):
    embedder = Embedder("demo")
    return embedder if request.param == "Embedder" else embedder.as_sentence_transformer()


@pytest.fixture(scope="module")
def questions(banking):
    """The questions of each of two kinds."""
    texts, _ = banking
    return texts[:20], texts[30:50]


class LocalNano(evaluation.NanoBEIREvaluator):
    """Its data sets from memory, not from the hub."""

    def __init__(self, subsets, **options):
        self.subsets = subsets
        super().__init__(**options)

    def _load_dataset_subset_split(self, subset, split, required_columns):
        return Dataset.from_dict(self.subsets[subset])


def nano(first, second):
    texts = [*first, *second]
    ids = [f"d{i}" for i in range(2, len(texts))]
    subsets = {
        "queries": {"_id": ["q0", "q1"], "text": [first[0], second[0]]},
        "corpus": {"_id": [*ids, "d0"], "text": [*texts[2:], first[1]]},
        "qrels": {"query-id": ["q0", "q0", "q1"], "corpus-id": ["d0", "d2", ids[-1]]},
    }
    return LocalNano(subsets, dataset_names=["msmarco", "nq"], truncate_dim=128)


def retrieval(first, second):
    corpus = {f"d{i}": text for i, text in enumerate([*first[3:], *second[3:]])}
    queries = {"q0": first[0], "q1": second[0], "q2": second[1]}
    kinds = {"q0": range(len(first) - 3), "q1": range(17, 34), "q2": range(17, 34)}
    relevant = {query: {f"d{i}" for i in kind} for query, kind in kinds.items()}
    return evaluation.InformationRetrievalEvaluator(queries, corpus, relevant, query_prompt="ask: ")


def similarity(first, second, **options):
    scores = np.random.default_rng(0).uniform(0, 5, len(first)).tolist()
    return evaluation.EmbeddingSimilarityEvaluator(first, second, scores, **options)


EVALUATORS = {
    "similarity": similarity,
    "similarity by every measure": lambda a, b: similarity(
        a, b, similarity_fn_names=["cosine", "dot", "euclidean", "manhattan"], truncate_dim=200
    ),
    "similarity of int8": lambda a, b: similarity(a, b, precision="int8"),
    "retrieval": retrieval,
    "NanoBEIR": nano,
    "binary": lambda a, b: evaluation.BinaryClassificationEvaluator(
        a, [*b[:10], *a[:10]], [0] * 10 + [1] * 10
    ),
    "triplet": lambda a, b: evaluation.TripletEvaluator(a[:10], a[10:], b[:10]),
    "paraphrases": lambda a, b: evaluation.ParaphraseMiningEvaluator(
        {str(i): text for i, text in enumerate([*a, *b])}, [("0", "1"), ("20", "22")]
    ),
    "reranking": lambda a, b: evaluation.RerankingEvaluator(
        [{"query": a[0], "positive": a[1:4], "negative": b[:6]}]
    ),
    "translation": lambda a, b: evaluation.TranslationEvaluator(
        a, [text.upper() + " Thanks!" for text in a]
    ),
    "sequence": lambda a, b: SequentialEvaluator(
        [similarity(a, b), evaluation.TripletEvaluator(a[:10], a[10:], b[:10], name="three")]
    ),
}


@pytest.mark.parametrize("name", EVALUATORS)
def test_an_evaluator_scores_it_as_its_own_model(stock, model, questions, name):
    expected = EVALUATORS[name](*questions)(stock)
    found = EVALUATORS[name](*questions)(model)
    rounding = 1e-3 if "int8" in name else 1e-5  # a step of 256 where a value lies between two
    assert found == pytest.approx(expected, abs=rounding)
    assert expected


def test_the_error_of_a_student_is_that_of_its_own_model(stock, model, questions):
    (expected,) = evaluation.MSEEvaluator(*questions, teacher_model=stock)(stock).values()
    (found,) = evaluation.MSEEvaluator(*questions, teacher_model=stock)(model).values()
    (taught,) = evaluation.MSEEvaluator(*questions, teacher_model=model)(stock).values()
    assert (found, taught) == pytest.approx((expected, expected), rel=1e-4)


def test_labels_of_a_softmax_head_are_those_of_its_own_model(stock, questions):
    """It calls the model as torch's modules are called, which no bare Embedder is."""
    import torch
    from sentence_transformers.sentence_transformer.losses import SoftmaxLoss
    from torch.utils.data import DataLoader

    ours = Embedder("demo").as_sentence_transformer()
    examples = [
        InputExample(texts=list(pair), label=i % 2)
        for i, pair in enumerate(zip(*questions, strict=True))
    ]
    accuracies = []
    for each in (stock, ours):
        torch.manual_seed(0)
        loss = SoftmaxLoss(each, 384, num_labels=2)
        evaluator = evaluation.LabelAccuracyEvaluator(
            DataLoader(examples, batch_size=8), softmax_model=loss
        )
        accuracies.append(evaluator(each)["accuracy"])
    assert accuracies[0] == accuracies[1]


def test_scores_are_noted_where_model_cards_take_them(model, questions):
    evaluator = similarity(*questions)
    scores = evaluator(model)
    assert model.model_card_data.eval_results_dict[evaluator] == scores


@pytest.mark.parametrize(
    "options",
    [{}, {"output_format": "labeled-list", "query_prompt": "ask: ", "range_min": 2}],
    ids=str,
)
def test_hard_negatives_are_those_of_its_own_model(stock, model, questions, options):
    first, second = questions
    pairs = Dataset.from_dict(
        {"anchor": [*first[:8], *second[:8]], "positive": [*first[8:16], *second[8:16]]}
    )
    mined = [
        mine_hard_negatives(pairs, each, num_negatives=2, verbose=False, **options).to_dict()
        for each in (stock, model)
    ]
    assert mined[0] == mined[1]
    assert next(iter(mined[0].values()))


def test_searches_are_those_of_its_own_model(stock, model, questions):
    texts = [text for kind in questions for text in kind]
    mined = [paraphrase_mining(each, texts, batch_size=4)[:30] for each in (stock, model)]
    assert [pair[1:] for pair in mined[0]] == [pair[1:] for pair in mined[1]]
    vectors = [each.encode(texts, convert_to_tensor=True) for each in (stock, model)]
    hits = [semantic_search(each[:5], each, top_k=4) for each in vectors]
    assert [[h["corpus_id"] for h in query] for query in hits[0]] == [
        [h["corpus_id"] for h in query] for query in hits[1]
    ]
    groups = [community_detection(each, threshold=0.7, min_community_size=2) for each in vectors]
    assert groups[0] == groups[1]
    assert groups[0]
