"""The scored pairs of STS12 to STS16, the STS Benchmark and SICK, from SentEval's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import TextError
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.file_lines import file_lines, text_file, words
from poolwise.texts.fields import as_score
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.semeval import read_subset

Pair = tuple[str, str, float]

N_PAIRS: Mapping[str, Mapping[str, int]] = {
    "STS12": {
        "MSRpar": 750,
        "MSRvid": 750,
        "SMTeuroparl": 459,
        "surprise.OnWN": 750,
        "surprise.SMTnews": 399,
    },
    "STS13": {"FNWN": 189, "headlines": 750, "OnWN": 561},
    "STS14": {
        "deft-forum": 450,
        "deft-news": 300,
        "headlines": 750,
        "images": 750,
        "OnWN": 750,
        "tweet-news": 750,
    },
    "STS15": {
        "answers-forums": 375,
        "answers-students": 750,
        "belief": 375,
        "headlines": 750,
        "images": 750,
    },
    "STS16": {
        "answer-answer": 254,
        "headlines": 249,
        "plagiarism": 230,
        "postediting": 244,
        "question-question": 209,
    },
    "STS-B": {"train": 5749, "dev": 1500, "test": 1379},
    "SICK": {"train": 4500, "trial": 500, "test": 4927},
}
"""The parts of each collection and their pairs with a score: the subsets that SentEval's
``sts.py`` names (STS13 without SMT, whose texts SemEval may not give out), and the splits. MTEB's
data sets of the same names have as many pairs (its ``descriptive_stats``)."""

PARTS: Mapping[str, tuple[str, Sequence[str]]] = {
    **{name: (name, tuple(parts)) for name, parts in N_PAIRS.items() if name != "SICK"},
    "STS-B": ("STS-B", ("test",)),
    "SICK-R": ("SICK", ("train", "trial", "test")),
    "SICK-R test": ("SICK", ("test",)),
}
"""What a published figure is of: a collection, and the parts of it that are scored. SICK-R is all
9,927 pairs in MTEB's tables, and the 4,927 of the test split in those made with SentEval."""

_BENCHMARK_FIELDS = 7
_SICK_FIELDS = 4


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """n pairs with ``scores`` [n] and the subset of each; ``fitting`` are the texts that a readout
    fitted on its target is fitted on: both texts of every pair, of all splits.

    ``difference`` says how these pairs differ from those that the figure is of; empty if they do
    not.
    """

    first: Sequence[str]
    second: Sequence[str]
    scores: NDArray[np.float64]
    subsets: Sequence[str]
    fitting: Sequence[str]
    difference: str


def read_pairs(folder: DataFolder, data: str, *, fitted_on_all: bool = False) -> ScoredPairs:
    """The pairs of ``data``, one of ``PARTS``; with ``fitted_on_all`` all splits are read.

    Raises StudyError where none of the parts to score is there, TextError for a file that is not
    in its format.
    """
    collection, scored = PARTS[data]
    sizes = N_PAIRS[collection]
    parts = [part for part in sizes if part in scored or fitted_on_all]
    paths = {part: folder.find(collection, *_file_names(collection, part)) for part in parts}
    missing = [_file_names(collection, part)[0] for part in parts if paths[part] is None]
    if not any(paths[part] for part in scored):
        raise folder.missing(collection, missing[0] if len(missing) == 1 else "")
    pairs = {part: list(_read(collection, path)) for part, path in paths.items() if path}
    rows = [(*pair, part) for part in scored for pair in pairs.get(part, ())]
    if not rows:
        raise TextError(f"the files of {data} hold no pairs")
    first, second, scores, subsets = zip(*rows, strict=True)
    n_found, n_expected = sum(map(len, pairs.values())), sum(sizes[part] for part in parts)
    difference = f"{n_found:,} of {n_expected:,} pairs" if n_found != n_expected else ""
    difference += f"; there is no {', '.join(missing)}" if missing else ""
    return ScoredPairs(
        first,
        second,
        np.array(scores, np.float64),
        subsets,
        [text for part in pairs.values() for pair in part for text in pair[:2]],
        difference,
    )


def _file_names(collection: str, part: str) -> Sequence[str]:
    """SentEval's name of the file first; SemEval's own differs for 2016."""
    if collection == "SICK":
        return (f"SICK_{part}_annotated.txt",) if part == "test" else (f"SICK_{part}.txt",)
    if collection == "STS-B":
        return tuple(f"sts-{part}.{suffix}" for suffix in ("csv", "tsv", "txt"))
    year = collection.removeprefix("STS")
    return f"STS.input.{part}.txt", f"STS20{year}.input.{part}.txt"


def _read(collection: str, path: Path) -> Iterator[Pair]:
    for first, second, score in _READERS.get(collection, _read_subset)(path):
        yield words(first), words(second), score


def _read_subset(path: Path) -> Iterator[Pair]:
    """SemEval's: the pairs; and their scores in another file, an empty line where there is none."""
    name = path.name.casefold().replace(".input.", ".gs.")
    siblings = {sibling.name.casefold(): sibling for sibling in path.parent.iterdir()}
    gold = siblings.get(name, path.with_name(path.name.replace(".input.", ".gs.")))
    yield from read_subset(text_file(path), text_file(gold), OmittedRows())


def _read_benchmark(path: Path) -> Iterator[Pair]:
    """The STS Benchmark's: the score and the texts are the fields 5, 6 and 7."""
    for location, fields in _fields(path, _BENCHMARK_FIELDS):
        yield fields[5], fields[6], as_score(fields[4], "5", location)


def _read_sick(path: Path) -> Iterator[Pair]:
    """SICK's: a header; the texts and the score are the fields 2, 3 and 4."""
    for location, fields in list(_fields(path, _SICK_FIELDS))[1:]:
        yield fields[1], fields[2], as_score(fields[3], "4", location)


_READERS: Mapping[str, Callable[[Path], Iterator[Pair]]] = {
    "STS-B": _read_benchmark,
    "SICK": _read_sick,
}


def _fields(path: Path, n_fields: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Each line that is not blank: where it is, and its fields, ``n_fields`` or more."""
    for number, line in enumerate(file_lines(path), 1):
        if not line.strip():
            continue
        fields = line.split("\t")
        location = f"{path}, line {number}"
        if len(fields) < n_fields:
            raise TextError(
                f"{location}: found {len(fields)} fields, expected {n_fields}, with tabs between"
            )
        yield location, fields
