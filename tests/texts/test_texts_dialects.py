"""How CSV and TSV are delimited and quoted; Python's csv module is the oracle."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_texts

FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PROSE = st.text(st.sampled_from('ab ,;|\t"\n.'), min_size=1).filter(str.strip)


def read(*inputs: object, **how: object) -> list[str]:
    return [sentence.text for sentence in open_texts([str(name) for name in inputs], **how)]


def refusal(*inputs: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        read(*inputs, **how)
    return str(caught.value)


def written(rows: list[list[str]], **dialect: object) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(FIELD | PROSE, min_size=1, max_size=6))
@example(texts=['a ""b"" c', "a,b;c|d\te"])
def test_any_dialect_gives_back_what_was_written(tmp_path_factory, delimiter, quoting, end, texts):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    header = ["id", "text", "label"]
    rows = [header, *([f"r{n}", text, "x"] for n, text in enumerate(texts))]
    content = written(rows, delimiter=delimiter, quoting=quoting, lineterminator=end)
    path.write_bytes(content.encode())
    oracle = list(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter))
    # Where tabs and line ends in a field divide its row evenly, quotation marks may be text.
    assume(delimiter != "\t" or not any("\t" in text and set("\r\n") & {*text} for text in texts))
    # The module does not quote an LF where rows end with CR.
    assume([row["text"] for row in oracle] == texts)
    assert read(path) == texts
    ids = [sentence.id for sentence in open_texts([str(path)], id_column="id")]
    assert ids == [row["id"] for row in oracle]


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(PROSE, min_size=1, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
@example(texts=["a; b", "c; d", "e; f"], end="\n")
@example(texts=["a|b", "c|d"], end="\r\n")
@example(texts=["a\tb", "c\td"], end="\n")
def test_one_column_stays_one_column(tmp_path_factory, texts, end):
    path = tmp_path_factory.getbasetemp() / "one.csv"
    content = written([["text"], *([text] for text in texts)], lineterminator=end)
    path.write_bytes(content.encode())
    assert read(path) == texts


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("header", ["text{}label", "Rezension{}Wertung"])
def test_other_delimiters_are_found_and_named(write, delimiter, header):
    content = header.format(delimiter) + f"\nGut, sehr gut{delimiter}1,5\nNa ja{delimiter}0\n"
    column = header.partition("{")[0]
    texts = open_texts([str(write("a.csv", content))], column=column)
    assert [sentence.text for sentence in texts] == ["Gut, sehr gut", "Na ja"]
    words = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}[delimiter]
    assert texts.notes == [f"its fields are delimited by {words}"]
    assert read(write("b.csv.gz", gzip.compress(content.encode())), column=column)
    usual = open_texts([str(write("c.csv", "text,n\na;b,1\n"))])
    assert [sentence.text for sentence in usual] == ["a;b"]
    assert usual.notes == []


def test_the_column_of_decimal_commas(write):
    prices = "name;price, EUR;label\nApple;1,50;x\nPear;2,75;y\n"
    assert read(write("a.csv", prices), column="name") == ["Apple", "Pear"]
    same = "Rezension;Preis, EUR\nGut;1,50\nNa ja;2,75\n"
    message = refusal(write("b.csv", same), column="Rezension")
    assert "2 columns delimited by commas or 2 columns delimited by semicolons" in message
    assert "write sep=, or sep=; in a first line of its own" in message
    assert read(write("c.csv", "sep=;\n" + same), column="Rezension") == ["Gut", "Na ja"]
    assert read(write("d.csv", "sep=,\n" + same), column=" EUR") == ["50", "75"]


@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_excel_says_how_it_delimits(write, line, delimiter, mark):
    content = mark + line.format(delimiter) + f'\r\ntext{delimiter}n\r\n"a\r\nb"{delimiter}1\r\n'
    assert read(write("a.csv", content)) == ["a\r\nb"]
    broken = write("b.csv", content + f"c{delimiter}d{delimiter}1\r\n")
    assert "b.csv, line 5: found 3 fields" in refusal(broken)


def test_prose_without_a_header_is_not_taken_apart(write):
    rows = ["Yes; no", "Well", "Maybe", "a; b; c"]
    assert read(write("a.csv", "\n".join(rows))) == rows[1:]
    message = refusal(write("b.csv", "Yes; no\nNo; yes\n"))
    assert "one column or 2 columns delimited by semicolons" in message
    assert "sep=, or sep=;" in message
    assert read(write("c.csv", "sep=,\nYes; no\nNo; yes\n")) == ["No; yes"]


def test_never_the_label_inside_the_text(write):
    path = write("a.csv", "text;label\na;1\nb; and c;0\n")
    assert "a.csv, line 3: found 3 fields, expected the header's 2" in refusal(path)
    one = write("c.csv", "text\nHello, you\nHi\n")
    assert "must be quoted, or call the file .txt if each line is a text" in refusal(one)
    path = write("b.csv", "text;label\n" + "a;1\n" * 3000 + '"b\n; c";0\n')
    assert read(path) == ["a"] * 3000 + ["b\n; c"]


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_labels_and_pairs(write, delimiter):
    path = write("a.csv", f"text{delimiter}label\na, b{delimiter}x\nc{delimiter}y\n")
    assert list(open_labels(str(path)).texts) == ["a, b", "c"]
    assert list(open_labels(str(path)).labels) == ["x", "y"]
    assert "its fields are delimited by" in open_labels(str(path)).notes[-1]
    names = delimiter.join(["sentence1", "sentence2", "score"])
    pairs = open_pairs(str(write("b.csv", f"{names}\n" + delimiter.join(["a, b", "c", "0.5"]))))
    assert (*pairs.first, *pairs.second, *pairs.scores) == ("a, b", "c", 0.5)


def test_a_row_is_called_by_its_first_line(write):
    for ends in ("\n", "\r\n", "\r"):
        lines = ["id,text", '1,"a', "", 'b"', "", "2,c,d"]
        assert "line 6: found 3 fields" in refusal(write("a.csv", ends.join(lines)))
        quote = ["id,text", '1,"a', 'b"', '2,"c" d']
        assert "line 4: not valid CSV" in refusal(write("b.csv", ends.join(quote)))
        open_end = ["id,text", "1,a", '2,"c', "", "d"]
        assert "line 3: not valid CSV" in refusal(write("c.csv", ends.join(open_end)))


def test_two_columns_of_one_name(write):
    path = write("a.csv", "text,text,n\na,b,c\n")
    assert "2 columns called 'text', expected one; rename" in refusal(path)
    assert read(path, column="n") == ["c"]
    assert "called 'n'" in refusal(write("b.csv", "text,n,n\na,b,c\n"), id_column="n")
    labels = str(write("c.csv", "text,label,label\na,b,c\n"))
    with pytest.raises(TextError, match="called 'label'"):
        open_labels(labels, label_column="label")
    with pytest.raises(TextError, match="'label', 'label'; name it with --label-column"):
        open_labels(labels)
    with pytest.raises(TextError, match="called 'label'"):
        open_labels(labels, label_column="3")
    twice = write("d.jsonl", '{"text": "a", "text": "b"}\n')
    assert "line 1: the key 'text' is there twice in one object" in refusal(twice)


def test_lone_carriage_returns_end_lines_where_nothing_else_does(write):
    assert read(write("a.txt", "one\rtwo\r\rthree")) == ["one", "two", "", "three"]
    assert read(write("b.txt", "one\r")) == ["one"]
    assert read(write("c.jsonl", '{"text": "a"}\r{"text": "b"}\r')) == ["a", "b"]
    assert "c.jsonl, line 2" in refusal(write("c.jsonl", '{"text": "a"}\r{"txt": "b"}\r'))
    assert read(write("d.csv", "text,n\ra,1\rb,2")) == ["a", "b"]
    assert read(write("e.csv", 'text,n\r"a\rb",1\nc,2\r\nd,3\r')) == ["a\rb", "c", "d"]
    assert "line 3, byte 8 is 0xe9" in refusal(write("f.txt", b"one\rtwo\r\xe9"))


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_a_tsv_that_a_program_has_quoted(write, quoting, suffix):
    texts = ['He said "no"', "a\tb", "two\nlines", "plain"]
    rows = [["text", "n"], *([text, "1"] for text in texts)]
    content = written(rows, delimiter="\t", quoting=quoting)
    assert read(write(f"a.{suffix}", content)) == texts
    assert (
        read(write(f"b.{suffix}", written(rows[:2], delimiter="\t", quoting=quoting))) == texts[:1]
    )


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
@pytest.mark.parametrize(
    "texts",
    [
        ['"Hello, he said', "a"],
        ['"I am here."', '"You are there."'],
        ['"no," she said', 'a "b" c'],
        ['"', '""', "'"],
        ['"a" and "b"', '"c'],
        ['He said "', '" no', "b"],
    ],
)
def test_a_tsv_whose_quotation_marks_are_text(write, suffix, texts):
    content = "text\tn\n" + "".join(f"{text}\t1\n" for text in texts)
    oracle = csv.DictReader(io.StringIO(content), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert read(write(f"a.{suffix}", content)) == [row["text"] for row in oracle] == texts
