"""Files of SentEval's folders are found from wherever the user points, whatever their case."""

import pytest

from poolwise.errors import StudyError
from poolwise.reproduction.data_paths import DataFolder

FILES = {
    ("STS12", "STS.input.MSRpar.txt"): "STS/STS12-en-test/STS.input.MSRpar.txt",
    ("STS-B", "sts-test.csv"): "STS/STSBenchmark/sts-test.csv",
    ("SICK", "SICK_test_annotated.txt"): "SICK/SICK_test_annotated.txt",
    ("MR", "rt-polarity.pos"): "MR/rt-polarity.pos",
    ("CR", "custrev.pos"): "CR/custrev.pos",
    ("SUBJ", "subj.objective"): "SUBJ/subj.objective",
    ("MPQA", "mpqa.pos"): "MPQA/mpqa.pos",
    ("SST", "sentiment-train"): "SST/binary/sentiment-train",
    ("TREC", "TREC_10.label"): "TREC/TREC_10.label",
    ("MRPC", "msr_paraphrase_train.txt"): "MRPC/msr_paraphrase_train.txt",
}


def lay_out(root, paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
@pytest.mark.parametrize("root", ["", "downstream", "data/downstream"])
def test_every_file_of_senteval_is_found(tmp_path, case, root):
    lay_out(tmp_path, [case(f"{root}/{path}").strip("/") for path in FILES.values()])
    folder = DataFolder(tmp_path)
    for (collection, name), path in FILES.items():
        assert folder.find(collection, name) == tmp_path / case(f"{root}/{path}").strip("/")


@pytest.mark.parametrize(
    ("collection", "name", "path"),
    [
        ("STS12", "STS.input.MSRpar.txt", "STS12-en-test/STS.input.MSRpar.txt"),
        ("STS12", "STS.input.MSRpar.txt", "sts12/STS.input.MSRpar.txt"),
        ("STS-B", "sts-test.csv", "stsbenchmark/sts-test.csv"),
        ("STS-B", "sts-test.csv", "sts-test.csv"),
        ("MPQA", "mpqa.pos", "mpqa.pos"),
        ("MR", "rt-polarity.pos", "mr/sentence_polarity/rt-polarity.pos"),
        ("SST", "sentiment-dev", "binary/sentiment-dev"),
    ],
)
def test_folders_within_and_flat_ones_are_found(tmp_path, collection, name, path):
    lay_out(tmp_path, [path])
    assert DataFolder(tmp_path).find(collection, name) == tmp_path / path


def test_the_name_as_written_comes_first(tmp_path):
    lay_out(tmp_path, ["cr/custrev.pos", "CR/custrev.pos", "CR/custrev.neg", "cR/other"])
    assert DataFolder(tmp_path).find("CR", "custrev.pos") == tmp_path / "CR" / "custrev.pos"
    lay_out(tmp_path, ["cR/CUSTREV.txt"])
    assert DataFolder(tmp_path).find("CR", "custrev.txt") == tmp_path / "cR" / "CUSTREV.txt"


def test_a_file_that_is_not_there_is_named_as_senteval_does(tmp_path):
    folder = DataFolder(tmp_path / "none")
    assert folder.find("SUBJ", "subj.objective") is None
    with pytest.raises(StudyError, match=r"there is no SUBJ/subj.objective in .*none"):
        folder.require("SUBJ", "subj.objective")
