"""Make ``examples/novels.txt.gz``: one sentence a line, from plain-text novels.

    python scripts/prepare_examples.py FOLDER examples/novels.txt.gz

FOLDER holds the novels named in ``NOVELS``. Equal input gives the same bytes.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from poolwise.texts import split_sentences

SENTENCES_OF_EACH = 2600

CHAPTER = r"chapter [ivxl]+"


@dataclass(frozen=True, slots=True)
class Novel:
    """``begins``: how the story begins, after title page, preface and contents. ``heading``: what
    whole lines are headings. ``titled``: the paragraph after a chapter's heading is its title."""

    file: str
    begins: str
    heading: str = CHAPTER
    titled: bool = False


NOVELS = (
    Novel("Cbronte_Jane_1847.txt", "There was no possibility of taking a walk"),
    Novel("Eliot_Adam_1859.txt", "With a single drop", rf"book \w+|{CHAPTER}", titled=True),
    Novel("Dickens_Expectations_1861.txt", "My father's family name being Pirrip"),
    Novel("Haggard_Mines_1885.txt", "It is a curious thing that at my age", titled=True),
    Novel(
        "Hardy_Tess_1891.txt", "On an evening in the latter part of May", r"phase the .+|[ivxl]+"
    ),
    Novel("James_Ambassadors_1903.txt", "Strether's first question", r"(book|volume) \w+|[ivxl]+"),
    Novel("Chesterton_Thursday_1908.txt", "THE suburb of Saffron Park", titled=True),
    Novel("Doyle_Lost_1912.txt", "Mr. Hungerton, her father", titled=True),
)

FURNITURE = re.compile(r"(illustration|end of phase)\b.*", re.IGNORECASE)
"""Other lines that are no part of the story."""

FOOTNOTE = re.compile(r"\d\s+[A-Z]")
"""How a footnote begins; it ends with its paragraph."""

REPAIRS = (
    (re.compile(r"(?<=\w) (?=[,;:!?]|\.(?!\.))"), ""),  # "I don't ;"
    (re.compile(r"(?<=[a-z]-) (?!and\b|or\b|to\b)(?=[a-z])"), ""),  # "weather- beaten"
    (re.compile(r"^- (?=[A-Z])"), ""),  # a dash after the sentence before
)
"""What the transcriptions have put wrong."""


def main(folder: Path, output: Path) -> None:
    """Write the sentences, gzipped without a date."""
    lines = [f"{sentence}\n" for novel in NOVELS for sentence in sentences(novel, folder)]
    output.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    print(f"{output}: {len(lines)} sentences, {output.stat().st_size} bytes")


def sentences(novel: Novel, folder: Path) -> Iterator[str]:
    """The novel's first sentences."""
    text = (folder / novel.file).read_text(encoding="utf-8-sig")
    lines = text[text.index(novel.begins) :].split("\n")
    whole = (repaired(sentence) for sentence in split_sentences(story(lines, novel)))
    worded = (sentence for sentence in whole if re.search(r"[^\W\d]", sentence))
    return islice(worded, SENTENCES_OF_EACH)


def story(lines: Iterable[str], novel: Novel) -> Iterator[str]:
    """The lines, blank where a heading, a title or a footnote stood."""
    heading = re.compile(novel.heading, re.IGNORECASE)
    title_due = footnote = False
    for line in map(str.strip, lines):
        footnote = bool(line) and (footnote or FOOTNOTE.match(line) is not None)
        if heading.fullmatch(line):
            title_due = novel.titled
            yield ""
        elif footnote or FURNITURE.fullmatch(line):
            yield ""
        elif title_due and line:
            title_due = False
            yield ""
        else:
            yield line


def repaired(sentence: str) -> str:
    """``sentence`` without what the transcriptions have put wrong."""
    for wrong, right in REPAIRS:
        sentence = wrong.sub(right, sentence)
    return sentence


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
