"""A retrieval set made from labelled texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from poolwise.errors import TextError
from poolwise.texts import labels_from, queries_of_labels
from poolwise.texts.retrieval.label_queries import without_queries_in_corpus

TEXTS = [f"text {number} of {label}" for number in range(100) for label in "abc"]
LABELS = [*"abc"] * 100


@pytest.fixture
def labelled():
    return labels_from((TEXTS, LABELS), name="abc.csv")


def test_relevant_documents_have_the_label(labelled):
    data = queries_of_labels(labelled)
    label = dict(zip(TEXTS, LABELS, strict=True))
    assert {*data.queries} | {*data.documents} == {*TEXTS}
    assert {*data.queries}.isdisjoint(data.documents)
    assert 115 <= len(data) <= 185
    for query, grades in zip(data.queries, data.relevance, strict=True):
        same = [i for i, text in enumerate(data.documents) if label[text] == label[query]]
        assert grades == dict.fromkeys(same, 1.0)
    # One map a label, not one a query: of two labels of 5,000 texts each they would fill memory.
    assert len({id(grades) for grades in data.relevance}) == 3


def test_it_says_what_it_is(labelled):
    data = queries_of_labels(labelled, seed=7)
    assert data.name == "abc.csv (queries from labels)"
    assert data.proxy == (
        f"no real queries: {len(data)} of 300 texts of abc.csv, drawn by seed 7, search the other "
        f"{len(data.documents)}, and those of the same label count as relevant"
    )


def test_the_seed_draws(labelled):
    first, same, other = (queries_of_labels(labelled, seed) for seed in (0, 0, 1))
    assert first == same
    assert first.hash != other.hash
    assert [*first.queries] != [*other.queries]


def test_a_row_is_drawn_whatever_stands_beside_it(labelled):
    fewer = labels_from((TEXTS[:150], LABELS[:150]))
    assert {*queries_of_labels(fewer).queries} == {*queries_of_labels(labelled).queries} & {
        *TEXTS[:150]
    }


def test_texts_alike_stand_on_one_side():
    variants = [
        form
        for number in range(60)
        for form in (f"Le café {number}.", f"le cafe\u0301  {number}", f"LE CAFÉ {number} !")
    ]
    data = queries_of_labels(labels_from((variants, ["a"] * 180)))
    sides = Counter(text in {*data.queries} for text in variants)
    assert sides[True] % 3 == sides[False] % 3 == 0
    for at in range(0, 180, 3):
        assert len({text in {*data.queries} for text in variants[at : at + 3]}) == 1


def test_groups_stand_on_one_side(labelled):
    groups = {text: number // 10 for number, text in enumerate(TEXTS)}
    data = queries_of_labels(replace(labelled, groups=groups))
    assert {groups[text] for text in data.queries}.isdisjoint(
        groups[text] for text in data.documents
    )
    assert data.groups == groups


def test_what_the_encoder_reads_alike_leaves_the_corpus(labelled):
    data = queries_of_labels(labelled)
    groups = {text: number for number, text in enumerate(TEXTS)}
    # The first document reads as the first query does.
    groups[data.documents[0]] = groups[data.queries[0]]
    fewer = without_queries_in_corpus(replace(data, groups=groups))
    assert [*fewer.documents] == [*data.documents[1:]]
    assert fewer.document_ids == data.document_ids[1:]
    assert fewer.queries == data.queries
    for before, after in zip(data.relevance, fewer.relevance, strict=True):
        assert after == {place - 1: grade for place, grade in before.items() if place}
    assert fewer.notes[-1].startswith("1 document that the encoder reads as")
    assert without_queries_in_corpus(data) is data
    real = replace(data, proxy="", groups=groups)
    assert without_queries_in_corpus(real) is real


def test_queries_keep_their_splits():
    splits = ["train", "train", "test"] * 100
    data = queries_of_labels(labels_from((TEXTS, LABELS, splits)))
    split = dict(zip(TEXTS, splits, strict=True))
    assert [*data.splits] == [split[text] for text in data.queries]


def test_labels_of_one_text():
    labels = [f"label {number}" for number in range(50)]
    with pytest.raises(
        TextError, match="none of the same label; expected several texts of a label"
    ):
        queries_of_labels(labels_from((TEXTS[:50], labels)))
    labels[:25] = ["same"] * 25
    data = queries_of_labels(labels_from((TEXTS[:50], labels)))
    assert any("no document of their label; left out" in note for note in data.notes)
    assert all(data.relevance)


def test_labels_that_are_no_classes(labelled):
    with pytest.raises(TextError, match=r"the labels of abc.csv are of the kind regression"):
        queries_of_labels(replace(labelled, kind="regression"))
