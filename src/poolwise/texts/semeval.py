"""A folder as SemEval gives it out: STS.input.NAME.txt with the pairs, STS.gs.NAME.txt with
their scores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from poolwise.errors import TextError
from poolwise.texts.fields import as_filled_text, as_score, is_missing
from poolwise.texts.files import TextFile
from poolwise.texts.omitted_rows import OmittedRows

_INPUT = "STS.input."
_GOLD = "STS.gs."


def is_semeval(source: str) -> bool:
    """Is it such a folder?"""
    return next(Path(source).glob(f"{_INPUT}*.txt"), None) is not None


def read_semeval(
    folder: str, encoding: str, omitted: OmittedRows, max_bytes: int
) -> Iterator[tuple[str, str, float, str]]:
    """The two texts, the score and NAME of each pair that has a score."""
    omitted.unit = "line"
    for path in sorted(Path(folder).glob(f"{_INPUT}*.txt")):
        gold = path.with_name(_GOLD + path.name.removeprefix(_INPUT))
        name = path.stem.removeprefix(_INPUT)
        files = TextFile(str(path), encoding, max_bytes), TextFile(str(gold), encoding, max_bytes)
        for row in read_subset(*files, omitted):
            yield *row, name


def read_subset(
    pairs: TextFile, gold: TextFile, omitted: OmittedRows
) -> Iterator[tuple[str, str, float]]:
    """The two texts and the score of each pair of one subset that has a score.

    Raises TextError where the files have not equally many lines, and for lines in another format.
    """
    gold.check()
    lines = zip_longest(pairs.lines(), gold.lines())
    for number, (line, score) in enumerate(lines, 1):
        if line is None or score is None:
            longer, shorter = (gold, pairs) if line is None else (pairs, gold)
            raise TextError(
                f"{longer.label} has a line {number} and {shorter.label} has not; "
                "expected one score a pair, an empty line where it has none"
            )
        if not score.strip():
            continue
        location = f"{pairs.label}, line {number}"
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) < 2:
            raise TextError(f"{location}: found one text, expected two with a tab between them")
        if is_missing(fields[0]) or is_missing(fields[1]):
            omitted.add("text on one side", number)
            continue
        first, second = (as_filled_text(fields[side], str(side + 1), location) for side in (0, 1))
        yield first, second, as_score(score.strip(), "1", f"{gold.label}, line {number}")
