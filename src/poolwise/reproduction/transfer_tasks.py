"""SentEval's transfer tasks, from files as it has them: MR, CR, SUBJ, MPQA, SST, TREC and MRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import TextError
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.file_lines import file_lines, words

Example = tuple[tuple[str, ...], str]
"""One text, or the two of a pair; and the label."""

CLASSES: Mapping[str, tuple[str, str]] = {
    "MR": ("rt-polarity.neg", "rt-polarity.pos"),
    "CR": ("custrev.neg", "custrev.pos"),
    "SUBJ": ("subj.subjective", "subj.objective"),
    "MPQA": ("mpqa.neg", "mpqa.pos"),
}
"""Tasks without splits: a file of each class, a sentence a line; the second is SentEval's 1."""

SPLITS: Mapping[str, Mapping[str, str]] = {
    "SST": {split: f"sentiment-{split}" for split in ("train", "dev", "test")},
    "TREC": {"train": "train_5500.label", "test": "TREC_10.label"},
    "MRPC": {split: f"msr_paraphrase_{split}.txt" for split in ("train", "test")},
}

N_EXAMPLES: Mapping[str, Mapping[str, int]] = {
    "MR": {"train": 10662},
    "CR": {"train": 3775},
    "SUBJ": {"train": 10000},
    "MPQA": {"train": 10606},
    "SST": {"train": 67349, "dev": 872, "test": 1821},
    "TREC": {"train": 5452, "test": 500},
    "MRPC": {"train": 4076, "test": 1725},
}


@dataclass(frozen=True, slots=True)
class Examples:
    """n examples: ``sides`` are their texts, one sequence of n, or two where they are pairs;
    ``labels`` [n] in the order of SentEval's numbers."""

    sides: Sequence[Sequence[str]]
    labels: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class TransferTask:
    """The examples of each split, in SentEval's order; a task without splits has ``train`` only.

    ``difference`` says how they differ from those that figures are of; empty if they do not.
    """

    splits: Mapping[str, Examples]
    difference: str


def read_task(folder: DataFolder, task: str) -> TransferTask:
    """The examples of one of SentEval's tasks.

    Raises StudyError where a file is not there, TextError for one that is not in its format.
    """
    if task in CLASSES:
        negative, positive = _paths(folder, task, CLASSES[task])
        found = {"train": [*_of_class(positive, "1"), *_of_class(negative, "0")]}
    else:
        names = SPLITS[task]
        paths = zip(names, _paths(folder, task, tuple(names.values())), strict=True)
        found = {split: list(_READERS[task](path)) for split, path in paths}
    if empty := [split for split, examples in found.items() if not examples]:
        raise TextError(f"the files of {task} hold no examples to {empty[0]}")
    differences = [
        f"{len(examples):,} of {N_EXAMPLES[task][split]:,} examples"
        + (f" to {split}" if len(found) > 1 else "")
        for split, examples in found.items()
        if len(examples) != N_EXAMPLES[task][split]
    ]
    splits = {split: _in_order(examples) for split, examples in found.items()}
    return TransferTask(splits, ", ".join(differences))


def _paths(folder: DataFolder, task: str, names: Sequence[str]) -> Sequence[Path]:
    paths = {name: folder.find(task, name) for name in names}
    if missing := [name for name, path in paths.items() if path is None]:
        raise folder.missing(task, " or ".join(missing))
    return [path for path in paths.values() if path is not None]


def _in_order(examples: Sequence[Example]) -> Examples:
    """By the numbers of words, then by label: SentEval's folds are drawn in this order."""
    ordered = sorted(
        examples, key=lambda example: (*(len(text.split()) for text in example[0]), example[1])
    )
    texts, labels = zip(*ordered, strict=True)
    # SentEval's examples of encoders read a text without words as a full stop.
    sides = [[words(text) or "." for text in side] for side in zip(*texts, strict=True)]
    return Examples(sides, np.array(labels))


def _of_class(path: Path, label: str) -> Iterator[Example]:
    for line in file_lines(path):
        yield (line,), label


def _read_sst(path: Path) -> Iterator[Example]:
    """A text, a tab and 0 or 1."""
    for number, line in enumerate(file_lines(path), 1):
        text, tab, label = line.strip().partition("\t")
        if not tab or label not in ("0", "1"):
            raise _unreadable(path, number, line, "a text, a tab and 0 or 1")
        yield (text,), label


def _read_trec(path: Path) -> Iterator[Example]:
    """The coarse label, a colon, the fine one, and the question."""
    for number, line in enumerate(file_lines(path), 1):
        label, colon, rest = line.strip().partition(":")
        _, space, text = rest.partition(" ")
        if not colon or not space:
            raise _unreadable(path, number, line, "LABEL:detail and a question")
        yield (text,), label


def _read_mrpc(path: Path) -> Iterator[Example]:
    """A header; 0 or 1, two numbers and the two texts."""
    for number, line in list(enumerate(file_lines(path), 1))[1:]:
        label, *_ = fields = line.strip().split("\t")
        if len(fields) < 5 or label not in ("0", "1"):
            raise _unreadable(path, number, line, "0 or 1, two numbers and two texts")
        yield (fields[3], fields[4]), label


_READERS: Mapping[str, Callable[[Path], Iterator[Example]]] = {
    "SST": _read_sst,
    "TREC": _read_trec,
    "MRPC": _read_mrpc,
}


def _unreadable(path: Path, number: int, line: str, expected: str) -> TextError:
    return TextError(f"{path}, line {number}: found {line[:60]!r}, expected {expected}")
