"""Texts that the encoder cannot tell apart are one: where rows are divided, and where counted."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest

import poolwise
from poolwise.records import Sentence
from poolwise.selection.duplicates import (
    duplicate_groups,
    duplicate_keys,
    factorize,
    with_groups,
    without_duplicates,
)
from poolwise.selection.splits import split_rows
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.neighbours_task import NeighboursTask
from poolwise.selection.tasks.task import PairsTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.statistics.pseudo_values import estimate
from poolwise.studies.attention.study import sample
from poolwise.studies.average import Average
from poolwise.studies.geometry import Geometry
from poolwise.studies.length import Length
from poolwise.studies.registry import studies_of
from poolwise.studies.run import context_for, run_studies
from poolwise.studies.study import Context
from poolwise.studies.sweep import sweep
from poolwise.studies.tagging.alignment import align
from poolwise.studies.tagging.corpus import build_corpus, check_tags
from poolwise.studies.tagging.scores import F1Scores
from poolwise.texts import Datasets, LabelledTexts, TaggedSentences, TextPairs, texts_from
from poolwise.tuning.task import TuningTask

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
MARK = "m\u00e4t"

COPIES = {
    "exact": lambda text, k: text,
    "zero-width": lambda text, k: text.replace(" ", "\u200b" * k + " "),
    "blanks": lambda text, k: " " * k + text.replace(" ", " " * (k + 1)) + "\t" * k,
    "NFC and NFD": lambda text, k: unicodedata.normalize(("NFC", "NFD")[k % 2], text) + " " * k,
    "case": lambda text, k: "".join(c.upper() if i % 5 < k else c for i, c in enumerate(text)),
}


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [" ".join([*rng.choice(WORDS, rng.integers(4, 9)), MARK]) for _ in range(3 * n)]
    return list(dict.fromkeys(drawn))[:n]


def near(kind, texts, k=5):
    """k copies of every text, and which one each of them copies."""
    return [COPIES[kind](text, i) for text in texts for i in range(k)], np.repeat(
        np.arange(len(texts)), k
    )


def labelled(texts, labels, splits=None):
    return LabelledTexts("drawn", texts, [*map(str, labels)], splits or [""] * len(texts), "hash")


def random_labels(kind, seed, n=60):
    """Each text's copies have its label, which means nothing."""
    texts, of = near(kind, sentences(n, seed))
    return labelled(texts, np.random.default_rng(seed).integers(0, 2, n)[of])


def apart(held):
    """Whether no two of these sets have anything in common."""
    return sum(map(len, held)) == len(set().union(*held))


def read(model, data):
    """As ``ask`` and ``sweep`` do."""
    return with_groups(model, Datasets(labels=[data])).labels[0]


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_those_whose_ids_transformers_finds_equal(kind, model, tiny):
    from transformers import AutoTokenizer

    texts, of = near(kind, sentences(20))
    ids = AutoTokenizer.from_pretrained(tiny("bert"))(texts).input_ids
    assert factorize([*map(tuple, ids)]).tolist() == of.tolist()
    groups = duplicate_groups(model, texts)
    assert factorize(duplicate_keys(texts, groups)).tolist() == of.tolist()
    assert len(without_duplicates(model, texts)) == 20
    assert len(set(texts)) == (20 if kind == "exact" else 100)


def test_what_lies_beyond_the_maximum_length_tells_no_texts_apart(tiny):
    short = poolwise.load(tiny("bert"), max_length=8)
    texts = ["one two old red big cat and this", "one two old red big cat and that"]
    assert len(without_duplicates(short, texts)) == 1


def test_a_text_that_nobody_read_is_like_no_other():
    assert duplicate_keys(["a", "b", "A"], {"a": 0, "A": 0}) == [0, "b", 0]


def accuracy(model, data, seed):
    """Of a probe on mean@-1."""
    task = LabelsTask(data, seed, score="accuracy", probe="discriminant")
    cache = cache_vectors(model, task.texts, [poolwise.parse("mean@-1")])
    return estimate(task.row_scores(cache, cache["mean@-1"]), task.scale, task.groups)


def fold_groups(task):
    """The groups of texts in each fold."""
    return [{*task.groups[rows].ravel().tolist()} for _, _, rows in task.folds.divisions()]


@pytest.mark.parametrize("kind", COPIES)
def test_random_labels_of_near_copies_stay_at_chance(kind, model):
    """Sixty texts, five copies each: nothing is to be known of them."""
    held, accuracies = 0, []
    for seed in range(8):
        found = accuracy(model, read(model, random_labels(kind, seed)), seed)
        held += found.low <= 0.5 <= found.high
        accuracies.append(found.value)
        assert found.high - found.low > 0.2  # sixty texts, not three hundred rows
    assert held >= 7
    assert 0.3 < np.mean(accuracies) < 0.7


def test_known_by_their_strings_they_would_all_be_named(model):
    found = [accuracy(model, random_labels("zero-width", seed), seed) for seed in range(8)]
    assert sum(one.low > 0.5 for one in found) >= 6


def test_a_sweep_reads_texts_before_it_divides_them(model):
    datasets = Datasets(labels=[random_labels("case", 1)])
    found = {
        selection.task.score: selection.scores[0]
        for _, selection in sweep(model, datasets, grid="mean@-1")
        if selection is not None
    }
    assert found["accuracy"].low <= 0.5 <= found["accuracy"].high
    assert found["accuracy"].high - found["accuracy"].low > 0.2
    assert found["mean average precision"].low <= 0.52


@pytest.mark.parametrize("name", ["classification", "layers", "pooler", "first", "knows"])
def test_no_study_learns_from_copies_of_what_it_asks_for(name, model):
    data = read(model, random_labels("blanks", 2))
    (question,) = studies_of(name, Datasets(labels=[data]))
    task = question._tasks[0] if name == "knows" else question.task
    ids = duplicate_groups(model, data.texts)
    folds = [{ids[data.texts[i]] for i in rows.tolist()} for _, _, rows in task.folds.divisions()]
    assert len(folds) == 5
    assert apart(folds)
    assert any(
        "300 of 300 rows hold a text that other rows hold too" in n for n in task.folds.notes
    )


def test_controls_and_codes_of_random_labels_show_nothing(model):
    data = read(model, random_labels("exact", 3))
    ((_, finding),) = run_studies(model, studies_of("knows", Datasets(labels=[data])))
    assert finding.verdict
    codes = [n for n in finding.numbers if "compression" in n.name]
    assert codes
    assert all(number.value < 1.05 for number in codes)


def test_what_chooses_the_penalty_is_apart_by_text(model):
    """A fold's penalty is chosen by the loss of rows whose copies are in their own fold."""
    task = LabelsTask(read(model, random_labels("blanks", 4)), 0)
    of_fold = set(zip(task.groups.tolist(), task.folds.codes.tolist(), strict=True))
    assert len(of_fold) == 60


def test_copies_of_a_text_are_not_its_neighbours(model):
    """Of random labels its copies alone would make a text's own label near."""
    data = read(model, random_labels("case", 5))
    task = NeighboursTask(data, 0)
    cache = cache_vectors(model, task.texts, [poolwise.parse("mean@-1")])
    columns = task.row_scores(cache, cache["mean@-1"]), task.chance_scores()
    found, chance = (estimate(column, task.scale, task.groups) for column in columns)
    assert found.low <= chance.value <= found.high
    alone = NeighboursTask(replace(data, groups={}), 0)
    known = estimate(alone.row_scores(cache, cache["mean@-1"]), alone.scale, alone.groups)
    assert known.value > found.value


def test_pairs_know_both_of_their_texts(model):
    first, of = near("case", sentences(60, 1), 2)
    second, _ = near("blanks", sentences(60, 2), 2)
    n = len(first)
    data = TextPairs("p", first, second, np.arange(n) % 7.0, [""] * n, [""] * n, "hash")
    (data,) = with_groups(model, Datasets(pairs=[data])).pairs
    task = PairsTask(data, 0)
    assert all((task.groups[of == i] == task.groups[2 * i]).all() for i in range(60))
    assert apart(fold_groups(task))


def test_parts_of_several_files_are_compared_as_read(model):
    texts = sentences(90)
    dev = [COPIES["case"](text, 3) for text in texts[:4]] + sentences(20, 7)
    test = [COPIES["zero-width"](text, 2) for text in (*texts[10:17], *dev[10:13])]
    test += sentences(20, 9)
    every = [*texts, *dev, *test]
    splits = ["train"] * 90 + ["dev"] * len(dev) + ["test"] * len(test)
    data = labelled(every, np.arange(len(every)) % 2, splits)
    assert not any("rows of test hold" in note for note in LabelsTask(data, 0).notes)
    said = " ".join(LabelsTask(read(model, data), 0).notes)
    assert "10 rows of test hold a text that also stands among the rows chosen on" in said


def test_tuning_keeps_copies_together_too(model):
    data = read(model, random_labels("NFC and NFD", 6))
    task = TuningTask(data, "classification", 0)
    held = [{*task.groups[rows].tolist()} for rows in task.splits]
    assert apart(held)
    alone = labelled([*data.texts, "one", "ONE"], [*data.labels, "rare", "rare"])
    task = TuningTask(read(model, alone), "classification", 0)
    assert {300, 301} <= set(task.splits.train.tolist())


def length_of(model, texts):
    given = [Sentence(text, i) for i, text in enumerate(texts)]
    given = type("Given", (list,), {"name": "given", "hash": ""})(given)
    (finding,) = Length(given).run(Context(model))
    return finding


@pytest.mark.parametrize("kind", ["exact", "case", "zero-width"])
def test_length_says_of_ten_copies_what_it_says_of_one(kind, model):
    texts = sentences(120)
    copies, _ = near(kind, texts, 10)
    one, many = length_of(model, texts), length_of(model, copies)
    assert one.verdict.split(":")[0] == many.verdict.split(":")[0]
    for a, b in zip(one.numbers, many.numbers, strict=True):
        if None in {a.value, b.value, a.low} or a.where.get("texts") == "random words":
            continue
        if a.name != "eta²" and a.where.get("length") == "tokens":
            assert b.value == pytest.approx(a.value, abs=0.02), a
            assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.2, abs=0.02), a
    assert any("1,200 sentences are 120 texts" in note for note in many.notes)
    assert not any("as the encoder reads them" in note for note in one.notes)


def test_studies_of_single_sentences_leave_copies_out(model):
    texts = sentences(60)
    copies, _ = near("case", texts, 3)
    drawn = sample(model, list(dict.fromkeys(copies)), 0)
    assert len(drawn.texts) == 60
    assert "that the encoder reads as it reads others were left out" in drawn.notes[0]
    (finding,) = Average(texts_from(list(dict.fromkeys(copies)), name="copies")).run(Context(model))
    assert finding.provenance["texts measured"] == 60
    assert any("the encoder reads them as it reads others" in note for note in finding.notes)
    study = Geometry(labelled(copies, np.arange(len(copies)) % 2))
    context = context_for(model, [study])
    (shape,) = study.run(context)
    left = len(dict.fromkeys(copies)) - 60
    assert any(f"{left} texts left out" in note for note in shape.notes)


def test_rows_too_many_for_a_part_are_divided_by_copies_and_it_is_said():
    """A chain of pairs: every sentence stands in two of them, and all hang together."""
    pairs = [(i % 100, (i + 1) % 100) for i in range(100) for _ in range(3)]
    splits = split_rows([""] * 300, pairs, (0.2, 0.4, 0.4), 0)
    part_of = np.empty(300, int)
    for number, rows in enumerate(splits):
        part_of[rows] = number
    assert (part_of.reshape(100, 3) == part_of.reshape(100, 3)[:, :1]).all()
    assert "but for 300 that hang together through the texts they share" in splits.notes[0]
    assert any("also stands in train" in note for note in splits.notes)


def test_one_text_of_too_many_rows_is_learned_from_and_not_asked_for():
    texts = [("again",)] * 100 + [(f"text {i}",) for i in range(200)]
    splits = split_rows([""] * 300, texts, (0.6, 0.2, 0.2), 0)
    assert set(range(100)) <= set(splits.train.tolist())
    assert "100 rows of one text, too many for one part, are in train" in splits.notes[0]
    assert not any("also stands in train" in note for note in splits.notes)


def test_where_nothing_else_is_left_it_is_divided_and_that_is_said():
    splits = split_rows([""] * 100, [("again",)] * 100, (0.6, 0.2, 0.2), 0)
    assert "100 rows of one text, too many for one part, are divided row by row" in splits.notes[0]
    assert any("also stands in train" in note for note in splits.notes)


def test_rows_without_copies_are_divided_as_ever():
    texts = [(f"text {i}",) for i in range(500)]
    splits, again = (
        split_rows([""] * 500, rows, (0.6, 0.2, 0.2), 3)
        for rows in (texts, [(i,) for i in range(500)])
    )
    assert [rows.tolist() for rows in splits] == [rows.tolist() for rows in again]
    assert splits.notes == (
        "rows divided by seed 3 into 60% train, 20% dev, 20% test; "
        "rows that share a text stay together",
    )


def test_scores_of_a_contest_count_texts(model):
    """Ten copies of every row say no more than one."""
    texts = sentences(100)
    labels = ["cat" if "cat" in text else "no" for text in texts]
    splits = ["train"] * 50 + ["dev"] * 25 + ["test"] * 25
    one = labelled(texts, labels, splits)
    ten = labelled(texts * 10, labels * 10, splits * 10)
    found = []
    for data in (one, replace(ten)):
        datasets = Datasets(labels=[read(model, data)])
        studies = studies_of("classification", datasets, grid="mean@*")
        ((question, _),) = run_studies(model, studies)
        found.append(question.selection)
    for a, b in zip(*(selection.scores for selection in found), strict=True):
        assert b.high - b.low > 0.8 * (a.high - a.low)


def test_tagged_sentences_that_read_alike_are_one(model):
    texts, of = near("case", sentences(120), 3)
    words = [text.split() for text in texts]
    tags = [
        ["B-x" if word.lower() in {"cat", "dog", "mat"} else "O" for word in one] for one in words
    ]
    data = TaggedSentences("t", words, tags, [""] * len(words), "hash")
    corpus = build_corpus(data, align(model, words), check_tags(data), 0)
    assert corpus.groups.tolist() == of.tolist()
    assert apart([{*corpus.groups[rows].tolist()} for rows in corpus.splits])


def test_f1_of_copies_is_no_surer_than_of_one():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 3, 100).astype(float)
    counts = np.column_stack([right, right + rng.integers(0, 2, 100), right + 1])
    of = np.repeat(np.arange(100), 10)
    one, ten = F1Scores({"a": [counts]}, 0), F1Scores({"a": [counts[of]]}, 0, of)
    rows = F1Scores({"a": [counts[of]]}, 0)
    a, b, c = (scores.estimate("a") for scores in (one, ten, rows))
    assert b.value == pytest.approx(a.value)
    assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.1)
    assert c.high - c.low < 0.5 * (a.high - a.low)
