"""Pairs are read as SentEval's loaders read them, and counted."""

import pytest

from poolwise.errors import StudyError, TextError
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.scored_pairs import N_PAIRS, read_pairs

SICK_HEADER = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"


def sick(n):
    rows = [f"{i}\tA man {i} is  out \tNobody is out\t{1 + i % 5}\tNEUTRAL" for i in range(n)]
    return "\n".join([SICK_HEADER, *rows]) + "\n"


def benchmark(n):
    return "".join(
        f'main-captions\tMSRvid\t2012test\t{i:04}\t{i % 5}.00\t"A man {i}\tA boy\tmore\tfields\n'
        for i in range(n)
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "SICK").mkdir()
    return tmp_path


def test_sick_is_all_splits_or_the_test_split(folder):
    for name, n in (("train", 4500), ("trial", 500), ("test_annotated", 4927)):
        (folder / "SICK" / f"SICK_{name}.txt").write_text(sick(n))
    pairs = read_pairs(DataFolder(folder), "SICK-R")
    assert (len(pairs.scores), pairs.difference) == (9927, "")
    assert (pairs.first[1], pairs.second[1], pairs.scores[1]) == (
        "A man 1 is out",
        "Nobody is out",
        2,
    )
    test = read_pairs(DataFolder(folder), "SICK-R test")
    assert (len(test.scores), test.difference, set(test.subsets)) == (4927, "", {"test"})
    fitted = read_pairs(DataFolder(folder), "SICK-R test", fitted_on_all=True)
    assert (len(fitted.scores), len(fitted.fitting), fitted.difference) == (4927, 2 * 9927, "")


def test_what_is_missing_is_said(folder):
    with pytest.raises(StudyError, match="there is no SICK in"):
        read_pairs(DataFolder(folder), "SICK-R")
    for name, n in (("train", 4500), ("trial", 500)):
        (folder / "SICK" / f"SICK_{name}.txt").write_text(sick(n))
    pairs = read_pairs(DataFolder(folder), "SICK-R")
    assert pairs.difference == "5,000 of 9,927 pairs; there is no SICK_test_annotated.txt"
    with pytest.raises(StudyError, match=r"there is no SICK/SICK_test_annotated\.txt in"):
        read_pairs(DataFolder(folder), "SICK-R test")
    (folder / "SICK" / "SICK_test_annotated.txt").write_text(sick(4000))
    assert read_pairs(DataFolder(folder), "SICK-R test").difference == "4,000 of 4,927 pairs"


def test_the_benchmark_has_its_score_before_its_texts_and_no_quotation(folder):
    (folder / "sts-test.csv").write_text(benchmark(1379), encoding="utf-8")
    pairs = read_pairs(DataFolder(folder), "STS-B")
    assert (len(pairs.scores), pairs.difference) == (1379, "")
    assert (pairs.first[3], pairs.second[3], pairs.scores[3]) == ('"A man 3', "A boy", 3.0)
    fitted = read_pairs(DataFolder(folder), "STS-B", fitted_on_all=True)
    assert fitted.difference == ("1,379 of 8,628 pairs; there is no sts-train.csv, sts-dev.csv")


def test_subsets_are_the_ones_that_senteval_names(tmp_path):
    folder = tmp_path / "STS13"
    folder.mkdir()
    for subset, n in {**N_PAIRS["STS13"], "SMT": 5, "ALL": 5}.items():
        lines = ["one\ttwo\tits source"] * n + ["no score\there"] * 3
        (folder / f"STS.input.{subset}.txt").write_text("\r\n".join(lines) + "\r\n")
        (folder / f"STS.gs.{subset}.txt").write_text("2.5\n" * n + "\n" * 3)
    pairs = read_pairs(DataFolder(tmp_path), "STS13")
    assert (len(pairs.scores), pairs.difference) == (1500, "")
    assert set(pairs.subsets) == {"FNWN", "headlines", "OnWN"}
    assert (pairs.first[0], pairs.second[0], pairs.scores[0]) == ("one", "two", 2.5)


def test_semevals_own_names_of_2016(tmp_path):
    folder = tmp_path / "sts16"
    folder.mkdir()
    (folder / "STS2016.input.headlines.txt").write_bytes(b"caf\xe9\ttea\n" * 249)
    (folder / "STS2016.gs.headlines.txt").write_text("1\n" * 249)
    pairs = read_pairs(DataFolder(tmp_path), "STS16")
    assert (pairs.first[0], len(pairs.scores)) == ("café", 249)
    assert pairs.difference.startswith(
        "249 of 1,186 pairs; there is no STS.input.answer-answer.txt"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n", "the files of STS-B hold no pairs"),
        ("a,b,c\n", "line 1: found 1 fields, expected 7, with tabs between"),
        ("a\tb\tc\td\tmany\tone\ttwo\n", "line 1: the score '5' is 'many', expected a number"),
    ],
)
def test_another_format_is_refused_by_the_line(folder, text, said):
    (folder / "sts-test.csv").write_text(text)
    with pytest.raises(TextError, match=said):
        read_pairs(DataFolder(folder), "STS-B")


def test_pairs_and_scores_must_be_equally_many(tmp_path):
    (tmp_path / "STS12").mkdir()
    (tmp_path / "STS12" / "STS.input.MSRvid.txt").write_text("a\tb\nc\td\n")
    (tmp_path / "STS12" / "STS.gs.MSRvid.txt").write_text("1\n")
    with pytest.raises(TextError, match=r"has a line 2 and .* has not"):
        read_pairs(DataFolder(tmp_path), "STS12")
