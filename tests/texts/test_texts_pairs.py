"""Scored pairs from every form that they come in, and what is said of rows that are none."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_pairs

BENCHMARK = (
    "main-captions\tMSRvid\t2012test\t0000\t5.000\tA man dances .\tA man is dancing .\n"
    'main-news\theadlines\t2013\t0017\t0.8\tHe said "no\tShe said\thttp://a\thttp://b\n'
)
SICK = (
    "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
    "1\tKids play\tBoys play\t4.5\tNEUTRAL\n"
)

SIDE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ROWS = st.lists(
    st.tuples(SIDE, SIDE, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=5
)


def rows(source: object, **how: object) -> list[tuple[object, ...]]:
    pairs = open_pairs(str(source), **how)
    return list(
        zip(pairs.first, pairs.second, pairs.scores, pairs.subsets, pairs.splits, strict=True)
    )


def refusal(source: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        open_pairs(str(source), **how)
    return str(caught.value)


def test_the_sts_benchmark(write):
    pairs = open_pairs(str(write("sts-dev.csv", BENCHMARK)))
    assert pairs.name == "sts-dev.csv"
    assert list(pairs.first) == ["A man dances .", 'He said "no']
    assert list(pairs.second) == ["A man is dancing .", "She said"]
    assert pairs.scores.tolist() == [5.0, 0.8]
    assert list(pairs.subsets) == ["MSRvid", "headlines"]
    assert list(pairs.splits) == ["", ""]
    assert len(pairs) == 2


def test_sick(write):
    assert rows(write("SICK.txt", SICK)) == [("Kids play", "Boys play", 4.5, "", "")]
    whole = (
        "sentence_A\tsentence_B\trelatedness_score\tSemEval_set\na\tb\t1\tTRIAL\nc\td\t2\tTEST\n"
    )
    assert [row[-1] for row in rows(write("whole.txt", whole))] == ["dev", "test"]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("sentence1", "sentence2", "score"),
        ("text_1", "text_2", "similarity_score"),
        ("Sentence A", "Sentence B", "Label"),
        ("question1", "question2", "gold-score"),
        ("premise", "hypothesis", "labels"),
    ],
)
def test_usual_names(write, first, second, score):
    path = write("a.csv", f'id,{score},{second},{first}\n1,2.5,"b, c",a\n')
    assert rows(path) == [("a", "b, c", 2.5, "", "")]


@settings(max_examples=40, deadline=None)
@given(written=ROWS)
def test_any_pairs_in_any_format(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("pairs")
    names = ["sentence1", "sentence2", "score"]
    with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names, *written])
    records = [dict(zip(names, row, strict=True)) for row in written]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(records), folder / "a.parquet")
    read = [open_pairs(str(folder / f"a.{suffix}")) for suffix in ("csv", "jsonl", "parquet")]
    for pairs in read:
        assert list(zip(pairs.first, pairs.second, pairs.scores, strict=True)) == written
    assert len({pairs.hash for pairs in read}) == 1


def test_the_hash_is_over_every_field(write):
    head = "sentence1\tsentence2\tscore\tsubset\tsplit\n"
    texts = [
        "a\tb\t1\ts\ttrain",
        "ab\t-\t1\ts\ttrain",
        "a\tb\t2\ts\ttrain",
        "a\tb\t1\tt\ttrain",
        "a\tb\t1\ts\ttest",
    ]
    hashes = [open_pairs(str(write("a.tsv", head + text))).hash for text in texts]
    assert len({*hashes}) == len(texts)
    assert open_pairs(str(write("b.tsv", head + texts[0]))).hash == hashes[0]


def test_subset_and_split_columns(write):
    path = write(
        "a.csv",
        "subset,split,text1,text2,score\nnews,train,a,b,1\n,validation,c,d,2\nweb,TEST,e,f,3\n",
    )
    assert [row[3:] for row in rows(path)] == [("news", "train"), ("", "dev"), ("web", "test")]
    other = write("b.csv", "split,text1,text2,score\nhold-out,a,b,1\n")
    assert "b.csv, line 2: the part 'split' is 'hold-out', expected train, dev" in refusal(other)


def test_parts_from_files(write):
    files = [
        write(f"{part}.tsv", f"text1\ttext2\tscore\tsplit\n{part}\tb\t1\ttrain\n")
        for part in ("train", "dev", "test")
    ]
    train, dev, test = map(str, files)
    pairs = open_pairs(train, dev=dev, test=test)
    assert (list(pairs.first), list(pairs.splits)) == (["train", "dev", "test"],) * 2
    assert pairs.name == "train.tsv, dev.tsv, test.tsv"
    assert list(open_pairs(train, test=test).splits) == ["train", "test"]


def test_columns_that_are_named_or_numbered(write):
    table = "#1 ID\t#1 String\t#2 String\tQuality\n7\ta\tb\t1\n"
    path = write("a.txt", table)
    expected = [("a", "b", 1.0, "", "")]
    assert rows(path, columns=["#1 String", "#2 String", "Quality"]) == expected
    bare = write("b.txt", table.split("\n", 1)[1])
    assert rows(bare, columns=["2", "3", "4"]) == expected
    assert rows(write("c.csv", "1,b,a\n"), columns=["3", "2", "1"]) == expected
    assert rows(write("SICK.txt", SICK), columns=["3", "2", "4"])[0][:2] == (
        "Boys play",
        "Kids play",
    )
    assert "the score '4' is 'Quality'" in refusal(path, columns=["2", "3", "4"])
    assert "no column '5'; it has '1', '2', '3', '4'" in refusal(bare, columns=["2", "3", "5"])
    assert "expected three: FIRST,SECOND,SCORE" in refusal(path, columns=["2", "3"])


def test_three_fields_without_a_header(write):
    assert rows(write("a.tsv", "x\ty\t1e0\n")) == [("x", "y", 1.0, "", "")]
    assert "line 2: found 4 fields, expected 3 as in" in refusal(
        write("b.tsv", "x\ty\t1\nx\ty\t1\t\n")
    )
    assert "line 2: found 6 fields, expected at least 7" in refusal(
        write("c.tsv", BENCHMARK.splitlines()[0] + "\n" + "\t".join("abcdef"))
    )


def test_compressed_and_standard_input(write, monkeypatch):
    expected = rows(write("a.csv", BENCHMARK))
    assert rows(write("a.csv.gz", gzip.compress(BENCHMARK.encode()))) == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BENCHMARK.encode())))
    assert open_pairs("-").name == "standard input"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n" + BENCHMARK.encode())))
    assert rows("-") == expected


def test_json_lines_whatever_the_suffix(write):
    line = '{"pair": {"a": "x", "b": "y"}, "score": 3}\n'
    for name in ("a.json", "a.txt", "a.ndjson"):
        path = write(name, f"\n{line}")
        assert rows(path, columns=["pair.a", "pair.b", "score"]) == [("x", "y", 3.0, "", "")]
    assert "cannot tell which columns hold the two texts" in refusal(path)
    assert "'pair', 'score', 'pair.a', 'pair.b'" in refusal(path)


def test_a_hub_dataset(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    table = {"sentence1": ["a", "c"], "sentence2": ["b", ""], "label": [2.5, 1.0]}
    datasets.Dataset.from_dict(table).save_to_disk(tmp_path / "saved")
    assert rows(f"hf:{tmp_path}/saved", limit=1) == [("a", "b", 2.5, "", "")]
    assert "1 row has no text on one side" in open_pairs(f"hf:{tmp_path}/saved").notes[0]


def test_a_semeval_folder(write, tmp_path):
    write("STS/STS.input.MSRvid.txt", 'a "x\tb\nc\td\n')
    write("STS/STS.gs.MSRvid.txt", "5.0\n3\n")
    write("STS/STS.input.deft.txt", "e\tf\ng\th\textra\n")
    write("STS/STS.gs.deft.txt", "\n 1.5\n")
    folder = tmp_path / "STS"
    assert rows(folder) == [
        ('a "x', "b", 5.0, "MSRvid", ""),
        ("c", "d", 3.0, "MSRvid", ""),
        ("g", "h", 1.5, "deft", ""),
    ]
    assert open_pairs(str(folder)).name == "STS"
    write("STS/STS.gs.deft.txt", "1\n")
    assert "STS.input.deft.txt has a line 2 and" in refusal(folder)
    write("STS/STS.gs.deft.txt", "1\nhigh\n")
    assert "STS.gs.deft.txt, line 2: the score '1' is 'high'" in refusal(folder)
    write("STS/STS.input.deft.txt", "e\tf\nalone\n")
    assert "STS.input.deft.txt, line 2: found one text" in refusal(folder)
    (folder / "STS.gs.deft.txt").unlink()
    assert "no such file" in refusal(folder)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a\tb\tgood", "a.tsv, line 3: the score 'score' is 'good', expected a number"),
        ("a\tb\tnan", "line 3: the score 'score' is 'nan', expected a number"),
        ("a\tb\t-inf", "line 3: the score 'score' is '-inf'"),
        ("a\tb", "line 3: found 2 fields, expected the header's 3"),
    ],
)
def test_rows_that_are_no_pairs(write, row, message):
    path = write("a.tsv", f"sentence1\tsentence2\tscore\na\tb\t1\n{row}\n")
    assert message in refusal(path)
    assert len(open_pairs(str(path), limit=1, seed=None)) == 1


@pytest.mark.parametrize(("score", "found"), [("Infinity", "inf"), ("[1]", "a list")])
def test_json_scores_that_are_none(write, score, found):
    path = write("a.jsonl", f'{{"text1": "a", "text2": "b", "score": {score}}}')
    assert f"a.jsonl, line 1: the score 'score' is {found}, expected" in refusal(path)


def test_columns_that_cannot_be_told(write):
    path = write("a.csv", "sentence1,sentence2,grade\na,b,1\n")
    message = refusal(path)
    assert "cannot tell which columns hold the score; it has 'sentence1', 'sentence2'" in message
    assert "--columns FIRST,SECOND,SCORE" in message
    assert "did you mean 'grade'?" in refusal(path, columns=["sentence1", "sentence2", "grades"])
    twice = write("b.csv", "sentence1,sentence2,text1,text2,score\na,b,c,d,1\n")
    assert "the two texts; it has" in refusal(twice)
    assert "the two texts and the score; it has 'only'" in refusal(write("c.csv", "only\na\n"))
    lines = refusal(write("d.txt", f"{'word ' * 99}\n"))
    assert len(lines) < 400


def test_sources_that_cannot_be_read(write, tmp_path):
    write("pairs.tsv", "a\tb\t1\n")
    assert "(there is pairs.tsv)" in refusal(tmp_path / "pair.tsv")
    assert "is a folder" in refusal(tmp_path)
    latin = write("latin.tsv", "a\tb\t1\nZw\xf6lf\tb\t2\n".encode("latin-1"))
    assert "latin.tsv is not utf-8: line 2" in refusal(latin)
    assert rows(latin, encoding="latin-1")[1][0] == "Zwölf"
    assert "empty.tsv holds no rows" in refusal(write("empty.tsv", ""))
    assert "head.csv holds no rows" in refusal(write("head.csv", "text1,text2,score\n"))
    assert "holds no rows" in refusal(write("empty.jsonl", "\n"))
    assert "a limit of 0" in refusal(tmp_path / "pairs.tsv", limit=0)
    surrogate = write("a.jsonl", '{"text1": "a", "text2": "b\\ud800", "score": 1}')
    assert "line 1: 'text2' has half a surrogate pair at character 1" in refusal(surrogate)
