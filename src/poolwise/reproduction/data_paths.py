"""The paths of each data set under the folder that the user names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

DATA_PATHS: Mapping[str, Sequence[str]] = {
    **{f"STS{y}": (f"STS{y}", f"STS/STS{y}-en-test") for y in range(12, 17)},
    "STS-B": ("stsb/sts-test.csv", "STS/STSBenchmark/sts-test.csv", "sts-test.csv"),
    "SICK-R": ("sick/SICK_test_annotated.txt", "SICK/SICK_test_annotated.txt"),
    "CoNLL-2003": ("conll2003/eng.train", "CoNLL-2003/eng.train"),
    "CoNLL-2003 dev": ("conll2003/eng.testa", "CoNLL-2003/eng.testa"),
    "sentence length": ("probing/sentence_length.txt", "sentence_length.txt"),
    "MR": ("mr/sentence_polarity/rt-polarity", "MR/rt-polarity"),
    "CR": ("cr/custrev", "CR/custrev"),
    "SUBJ": ("subj/subj", "SUBJ/subj"),
    "MPQA": ("mpqa/mpqa", "MPQA/mpqa"),
    "SST": ("SST/binary/sentiment",),
    "TREC": ("trec/train_5500.label", "TREC/train_5500.label"),
    "TREC test": ("trec/TREC_10.label", "TREC/TREC_10.label"),
    "MRPC": ("mrpc/msr_paraphrase_train.txt", "MRPC/msr_paraphrase_train.txt"),
}


def find_data(folder: Path, data: str) -> Path | None:
    """The path of the data set; for files split by label, the path without the label."""
    for name in DATA_PATHS[data]:
        path = folder / name
        if path.exists() or any(path.parent.glob(f"{path.name}[.-]*")):
            return path
    return None
