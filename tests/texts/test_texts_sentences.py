"""Books into sentences."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_texts, split_sentences

STORY = [
    "It was late. Mr. Smith, who had read for the whole of the evening in the old armchair by "
    "the fire, put the book away and listened. Nothing moved.",
    '"Who is there?" he asked. "Come in! The door is open."',
    "There was no answer, and for a long while he heard nothing but the clock in the hall and "
    "the wind that went round the house.",
]
SENTENCES = [
    "It was late.",
    "Mr. Smith, who had read for the whole of the evening in the old armchair by the fire, put "
    "the book away and listened.",
    "Nothing moved.",
    '"Who is there?" he asked.',
    '"Come in!',
    'The door is open."',
    "There was no answer, and for a long while he heard nothing but the clock in the hall and "
    "the wind that went round the house.",
]


def wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, 60, break_on_hyphens=False)


@pytest.mark.parametrize(
    "book",
    [
        "\n\n".join(STORY),
        "\n".join(STORY),
        "\n\n".join(map(wrapped, STORY)),
        "\r\n \r\n".join(wrapped(paragraph).replace("\n", "\r\n") for paragraph in STORY),
        "\n\n\n".join(f"    {paragraph}" for paragraph in STORY) + "\n\n",
    ],
    ids=["blank lines", "a line each", "wrapped", "wrapped, CRLF", "indented"],
)
def test_layouts_of_a_book(tmp_path, book):
    path = tmp_path / "book.txt"
    path.write_bytes(book.encode())
    texts = open_texts([str(path)], split="sentences")
    assert [sentence.text for sentence in texts] == SENTENCES
    assert [sentence.id for sentence in texts] == list(range(7))


def test_a_wrapped_book_without_blank_lines():
    """Three hundred paragraphs: the ends are known by their short last lines."""
    lines = "\n".join(wrapped(paragraph) for paragraph in STORY * 100).split("\n")
    assert list(split_sentences(lines)) == SENTENCES * 100


def test_a_heading_is_not_part_of_the_sentence_below_it():
    lines = ["CHAPTER II", *wrapped(STORY[0]).split("\n")] * 60
    assert list(split_sentences(lines)).count("CHAPTER II") == 60


def test_speech_is_several_sentences():
    paragraph = (
        'He said, "It rains. Will it stop?" and then, "Never." Nobody spoke. “Oh!” she cried.'
    )
    assert list(split_sentences([paragraph])) == [
        'He said, "It rains.',
        'Will it stop?" and then, "Never."',
        "Nobody spoke.",
        "“Oh!” she cried.",
    ]


def test_hyphens_at_the_end_of_a_line():
    lines = ["It was a well-", "known fact - or a half-", "Truth, they said -", "and so on."]
    expected = "It was a well-known fact - or a half- Truth, they said - and so on."
    assert list(split_sentences(lines)) == [expected]


@given(st.lists(st.text(st.sampled_from('ab A.!?"“” -\t'), max_size=150), max_size=300))
def test_no_word_is_lost(lines):
    words = re.sub(r"\s", "", "".join(lines))
    split = list(split_sentences(lines))
    assert re.sub(r'[\s"“”]', "", "".join(split)) == re.sub(r'["“”]', "", words)
    assert all(sentence == sentence.strip() != "" for sentence in split)


@given(st.text())
def test_any_text(text):
    list(split_sentences(text.split("\n")))


def test_other_languages():
    german = "Das ist z. B. Dr. Müller. Er kommt am 3. Mai."
    assert list(split_sentences([german], "de")) == [
        "Das ist z. B. Dr. Müller.",
        "Er kommt am 3. Mai.",
    ]


def test_a_column_is_split_row_by_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,n\n"One. Two\nlines.",1\nThree. Four.,2\n')
    texts = open_texts([str(path)], split="sentences")
    assert [sentence.text for sentence in texts] == ["One.", "Two lines.", "Three.", "Four."]
    with pytest.raises(TextError, match="no ids of their own"):
        open_texts([str(path)], split="sentences", id_column="n")


def test_nothing_but_blank_lines(tmp_path):
    path = tmp_path / "blank.txt"
    path.write_text("\n \n\n")
    with pytest.raises(TextError, match="holds no text"):
        list(open_texts([str(path)], split="sentences"))
