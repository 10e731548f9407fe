"""SentEval's transfer tasks are read as its loaders read them, in its order."""

import pytest

from poolwise.errors import StudyError, TextError
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.transfer_tasks import read_task


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))


def test_a_file_of_each_class(tmp_path):
    write(
        tmp_path,
        {"SUBJ/subj.objective": "three words here\none\n", "SUBJ/subj.subjective": "two\n"},
    )
    task = read_task(DataFolder(tmp_path), "SUBJ")
    train = task.splits["train"]
    # by the number of words, then by label; the objective ones are SentEval's 1
    assert train.sides == [["two", "one", "three words here"]]
    assert train.labels.tolist() == ["0", "1", "1"]
    assert task.difference == "3 of 10,000 examples"


def test_lines_in_latin_1_and_without_words(tmp_path):
    write(tmp_path, {"mpqa.pos": "caf\xe9  time \n", "mpqa.neg": "\n"})
    train = read_task(DataFolder(tmp_path), "MPQA").splits["train"]
    assert train.sides == [[".", "caf\xe9 time"]]


def test_sst_has_splits_of_its_own(tmp_path):
    files = {
        f"SST/binary/sentiment-{s}": f"a {s} film\t1\nbad\t0\n" for s in ("train", "dev", "test")
    }
    write(tmp_path, files)
    task = read_task(DataFolder(tmp_path), "SST")
    assert list(task.splits) == ["train", "dev", "test"]
    assert task.splits["dev"].sides == [["bad", "a dev film"]]
    assert task.difference == (
        "2 of 67,349 examples to train, 2 of 872 examples to dev, 2 of 1,821 examples to test"
    )


def test_trec_has_coarse_labels(tmp_path):
    lines = "DESC:manner How did it : begin ?\nNUM:date When ?\n"
    write(tmp_path, {"trec/train_5500.label": lines, "trec/TREC_10.label": lines})
    task = read_task(DataFolder(tmp_path), "TREC")
    assert task.splits["test"].labels.tolist() == ["NUM", "DESC"]
    assert task.splits["test"].sides == [["When ?", "How did it : begin ?"]]


def test_mrpc_has_pairs(tmp_path):
    text = (
        "\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tA cat sat .\tThe cat .\n"
    )
    write(tmp_path, {f"MRPC/msr_paraphrase_{split}.txt": text for split in ("train", "test")})
    train = read_task(DataFolder(tmp_path), "MRPC").splits["train"]
    assert train.sides == [["A cat sat ."], ["The cat ."]]
    assert train.labels.tolist() == ["1"]


def test_what_is_missing_is_said(tmp_path):
    write(tmp_path, {"TREC/train_5500.label": "NUM:date When ?\n"})
    with pytest.raises(StudyError, match=r"there is no TREC/TREC_10\.label in"):
        read_task(DataFolder(tmp_path), "TREC")
    with pytest.raises(StudyError, match=r"there is no MR/rt-polarity\.neg or rt-polarity\.pos in"):
        read_task(DataFolder(tmp_path), "MR")


@pytest.mark.parametrize(
    ("task", "files", "said"),
    [
        ("SST", ["sentiment-train", "sentiment-dev", "sentiment-test"], "a text, a tab and 0"),
        ("TREC", ["train_5500.label", "TREC_10.label"], "LABEL:detail and a question"),
        (
            "MRPC",
            ["msr_paraphrase_train.txt", "msr_paraphrase_test.txt"],
            "two numbers and two texts",
        ),
    ],
)
def test_another_format_is_refused_by_the_line(tmp_path, task, files, said):
    write(tmp_path, dict.fromkeys(files, "header\nnothing of the kind\n"))
    with pytest.raises(TextError, match=rf"line \d: found '.*', expected .*{said}"):
        read_task(DataFolder(tmp_path), task)


def test_files_without_examples(tmp_path):
    write(tmp_path, {"custrev.pos": "", "custrev.neg": ""})
    with pytest.raises(TextError, match="the files of CR hold no examples to train"):
        read_task(DataFolder(tmp_path), "CR")
