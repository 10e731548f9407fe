"""What Python callers may pass as texts, readouts and options: read as meant, or refused."""

from __future__ import annotations

import io
from collections import Counter, UserList, deque
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import poolwise
from poolwise.embedder import Embedder, NotTextsError
from poolwise.engines import open_engine
from poolwise.errors import EncoderError, OptionError, ReadoutError, TextError
from poolwise.extraction import extract
from poolwise.records import Sentence
from poolwise.token_outputs import token_outputs

TEXTS = ["the cat sat", "a dog", "one big bird"]
SPEC = "mean@-1"


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


ENTRANCES = {
    "embed": lambda model, texts: model.embed(texts, SPEC),
    "extract": lambda model, texts: list(extract(model, texts, [SPEC], engine=model.engine)),
    "model.extract": lambda model, texts: list(model.extract(texts, [SPEC])),
    "fit": lambda model, texts: model.fit(texts, f"{SPEC}|center"),
    "embed(fit=)": lambda model, texts: model.embed(TEXTS, f"{SPEC}|center", fit=texts),
    "token_outputs": lambda model, texts: list(model.token_outputs(texts, layers=[1])),
    "token_outputs of the module": lambda model, texts: list(
        token_outputs(model, texts, engine=model.engine)
    ),
    "tokenize": lambda model, texts: model.tokenize(texts),
}
"""Every function that takes texts."""

CONTAINERS = {
    "tuple": tuple,
    "deque": deque,
    "UserList": UserList,
    "generator": lambda texts: (text for text in texts),
    "dict values": lambda texts: dict(enumerate(texts)).values(),
    "dict keys": lambda texts: dict.fromkeys(texts).keys(),
    "Series of another index": lambda texts: pd.Series(texts, index=[7, 0, 3]),
    "Series labelled as tables are": lambda texts: pd.Series(
        texts, index=["columns", "column_names", "ndim"]
    ),
    "categories": lambda texts: pd.Series(texts, dtype="category"),
    "Series of arrow": lambda texts: pd.Series(texts, dtype="string[pyarrow]"),
    "Index": pd.Index,
    "polars": pl.Series,
    "objects": lambda texts: np.array(texts, object),
    "np.str_": np.array,
    "arrow": pa.array,
    "arrow, large": lambda texts: pa.array(texts, pa.large_string()),
    "arrow, dictionary": lambda texts: pa.array(texts).dictionary_encode(),
    "arrow, chunks": lambda texts: pa.chunked_array([texts[:1], texts[1:]]),
    "datasets": lambda texts: datasets.Dataset.from_dict({"text": texts, "n": [1, 2, 3]})["text"],
    "Sentence": lambda texts: [Sentence(text) for text in texts],
}
ROWS = {name: entrance for name, entrance in ENTRANCES.items() if name != "tokenize"}
"""The entrances that number rows; the tokenizer has words of its own."""


@pytest.mark.parametrize("give", CONTAINERS.values(), ids=CONTAINERS)
def test_texts_are_read_in_their_own_order(bert, give):
    expected = bert.embed(TEXTS, SPEC)
    np.testing.assert_array_equal(bert.embed(give(TEXTS), SPEC), expected)
    (batch,) = bert.extract(give(TEXTS), [SPEC])
    assert [sentence.text for sentence in batch.sentences] == TEXTS
    assert {type(sentence.text) for sentence in batch.sentences} == {str}


def test_the_tokenizer_takes_them_too(bert):
    expected = [text.windows[0].ids.tolist() for text in bert.tokenize(TEXTS)]
    for name, give in CONTAINERS.items():
        if name != "Sentence":
            made = [text.windows[0].ids.tolist() for text in bert.tokenize(give(TEXTS))]
            assert made == expected, name


@pytest.mark.parametrize(
    "give", [pa.array, pa.chunked_array, tuple], ids=["array", "chunked", "tuple"]
)
def test_an_embedder_takes_them_too(tiny, give):
    embedder = Embedder(tiny("bert"), SPEC)
    texts = [TEXTS] if give is pa.chunked_array else TEXTS
    np.testing.assert_array_equal(embedder.encode(give(texts)), embedder.encode(TEXTS))


TABLE = {"label": [1, 2], "text": ["a", "b"]}
NO_TEXTS = {
    "DataFrame": (lambda: pd.DataFrame(TABLE), r"DataFrame with the columns label, text, .*'text'"),
    "one column": (lambda: pd.DataFrame({"x": ["a"]}), r"the columns x, .* texts\['x'\]"),
    "polars": (lambda: pl.DataFrame(TABLE), "DataFrame with the columns label, text"),
    "lazy": (lambda: pl.LazyFrame(TABLE), "LazyFrame with the columns label, text"),
    "arrow": (lambda: pa.table(TABLE), "Table with the columns label, text"),
    "datasets": (lambda: datasets.Dataset.from_dict(TABLE), "Dataset with the columns label"),
    "dict": (lambda: TABLE, r"dict with the keys label, text, .* texts\['text'\]"),
    "empty dict": (dict, "dict without keys"),
    "Counter": (lambda: Counter(TEXTS), "Counter with the keys the cat sat"),
    "set": (lambda: {"a", "b"}, r"found a set, which has no order, .* sorted\(texts\)"),
    "frozenset": (lambda: frozenset("ab"), "frozenset, which has no order"),
    "bytes": (lambda: b"a cat", r"found bytes, expected .* texts.decode\(\)"),
    "bytearray": (lambda: bytearray(b"a cat"), "found bytearray"),
    "None": (lambda: None, r"found NoneType \(None\), expected one text, or texts"),
    "Path": (lambda: Path("a.txt"), "found the path a.txt, expected .*read_text"),
    "int": (lambda: 3, r"found int \(3\)"),
    "NaN": (lambda: float("nan"), "found NaN, expected one text"),
    "bool": (lambda: True, r"found bool \(True\)"),
    "numpy scalar": (lambda: np.float64(3), "found float64"),
    "numpy, 0-d": (lambda: np.array("a"), "found ndarray"),
    "numpy, 2-d": (lambda: np.array([["a"], ["b"]]), r"ndarray of shape \(2, 1\)"),
    "sparse": (lambda: scipy.sparse.csr_matrix(np.eye(2)), "found a sparse matrix"),
    "open file": (lambda: io.StringIO("a\nb\n"), "open file .*splitlines"),
    "a type": (lambda: str, "found type"),
}
NO_TEXT_ROWS = {
    "None": (["a", None], r"row 1: found NoneType \(None\), expected a string; drop or fill"),
    "NaN": (pd.Series(["a", float("nan")], index=[4, 9]), "row 1: found NaN"),
    "numpy's NaN": (["a", np.float32("nan")], "row 1: found NaN"),
    "NA": (["a", pd.NA], "row 1: found NA"),
    "a missing category": (pd.Series(["a", None], dtype="category"), "row 1: found NaN"),
    "null": (pa.chunked_array([["a"], [None]]), "row 1: found NoneType"),
    "masked": (np.ma.array(["a", "b"], mask=[0, 1], dtype=object), "row 1: found Masked"),
    "bytes": ([b"a"], r"row 0: found bytes \(b'a'\), expected a string; decode"),
    "numpy's bytes": (np.array([b"a"]), "row 0: found bytes_"),
    "int": (["a", 3], r"row 1: found int \(3\)"),
    "floats": (np.zeros(2), "row 0: found float64"),
    "list": ([["a", "b"]], "row 0: found list"),
    "Sentence": ([Sentence(None)], "row 0: found NoneType"),
}


@pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=ENTRANCES)
@pytest.mark.parametrize(("made", "says"), NO_TEXTS.values(), ids=NO_TEXTS)
def test_what_holds_no_texts_is_refused(bert, entrance, made, says):
    if entrance is ENTRANCES["embed(fit=)"] and made() is None:
        pytest.skip("no texts to fit on were given")
    with pytest.raises(TextError, match=says):
        entrance(bert, made())


@pytest.mark.parametrize("entrance", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize(("given", "says"), NO_TEXT_ROWS.values(), ids=NO_TEXT_ROWS)
def test_a_row_that_is_no_text_is_named(bert, entrance, given, says):
    with pytest.raises(TextError, match=says):
        entrance(bert, given)


@pytest.mark.parametrize("name", ["dict", "set", "None", "bytes", "Path", "int", "sparse"])
def test_an_embedder_refuses_in_the_same_words(tiny, name):
    made, says = NO_TEXTS[name]
    with pytest.raises(NotTextsError, match=says):
        Embedder(tiny("bert"), SPEC).encode(made())


def test_containers_are_refused_before_the_first_batch_is_asked_for(bert):
    for entrance in (bert.extract, bert.token_outputs):
        options = {"readouts": SPEC} if entrance == bert.extract else {}
        with pytest.raises(TextError, match="found a dict"):
            entrance({"a": "b"}, **options)


def test_one_string_is_one_text(bert):
    text = "the cat sat"
    alone = bert.embed([text], SPEC)
    (batch,) = bert.extract(text, [SPEC])
    np.testing.assert_array_equal(batch.vectors[SPEC], alone)
    assert [sentence.text for sentence in batch.sentences] == [text]
    np.testing.assert_array_equal(bert.embed(text, SPEC), alone[0])
    np.testing.assert_array_equal(bert.embed(np.str_(text), SPEC), alone[0])
    assert len(bert.tokenize(text)) == 1
    assert [len(one) for one in bert.token_outputs(text)] == [1]
    # Of one text nothing can be learned; of its letters, something could.
    with pytest.raises(ReadoutError, match="at least two"):
        bert.fit(text, f"{SPEC}|center")


def test_one_readout_is_one_readout(bert):
    for one in (SPEC, poolwise.parse(SPEC)):
        (batch,) = bert.extract(TEXTS, one)
        np.testing.assert_array_equal(batch.vectors[SPEC], bert.embed(TEXTS, SPEC))
    for wrong in (None, 3, [None], [b"mean@-1"]):
        with pytest.raises(ReadoutError, match=r"expected readouts|a readout is a text"):
            bert.extract(TEXTS, wrong)


OPTIONED = {
    "embed": lambda model, **options: model.embed(TEXTS, SPEC, **options),
    "extract": lambda model, **options: model.extract(TEXTS, SPEC, **options),
    "token_outputs": lambda model, **options: model.token_outputs(TEXTS, **options),
}
LONG = {
    **OPTIONED,
    "waist": lambda model, **options: extract(model, TEXTS, SPEC, **options),
    "token_outputs of the module": lambda model, **options: token_outputs(
        model, TEXTS, engine=model.engine, **options
    ),
    "tokenize": lambda model, **options: model.tokenize(TEXTS, **options),
}
PRECISION = {
    **OPTIONED,
    "attentions": lambda model, **options: model.token_outputs(TEXTS, attentions=True, **options),
    "fit": lambda model, **options: model.fit(TEXTS, f"{SPEC}|center", **options),
    "engine_for": lambda model, precision: model.engine_for(precision),
    "provenance": lambda model, precision: model.provenance(precision),
    "open_engine": open_engine,
}


@pytest.mark.parametrize("wrong", ["Truncate", "cut", "", None, True, ["truncate"], b"truncate"])
@pytest.mark.parametrize("entrance", LONG.values(), ids=LONG)
def test_long_is_one_of_its_choices(bert, entrance, wrong):
    with pytest.raises(OptionError, match=r"long is .*'truncate', 'error', 'window'"):
        entrance(bert, long=wrong)


@pytest.mark.parametrize("wrong", ["float32", "Exact", "int8", None, 32, ["exact"], np.float32])
@pytest.mark.parametrize("entrance", PRECISION.values(), ids=PRECISION)
def test_precision_is_one_of_its_choices(bert, entrance, wrong):
    with pytest.raises(OptionError, match=r"precision is .*'exact', 'near', 'fast'"):
        entrance(bert, precision=wrong)


@pytest.mark.parametrize("wrong", ["16", True, 16.0, float("nan"), b"16", (16,)])
def test_max_length_is_a_whole_number(tiny, wrong):
    folder = tiny("bert")
    Embedder(folder, SPEC, max_length=16).encode(TEXTS)
    with pytest.raises(EncoderError, match=r"max_length is .*, expected a whole number"):
        poolwise.load(folder, max_length=wrong)
    with pytest.raises(EncoderError, match=r"max_length is .*, expected a whole number"):
        Embedder(folder, SPEC, max_length=wrong).encode(TEXTS)


def test_numpy_counts_too(tiny):
    model = poolwise.load(tiny("bert"), max_length=np.int64(16))
    assert (type(model.max_length), model.max_length) == (int, 16)


@pytest.mark.parametrize(
    ("spec", "dtype", "width"),
    [
        ("mean@-1", np.float32, 32),
        ("mean@-1|binary", np.int8, 4),
        ("meanmax@concat(1,2)|truncate(24)|binary", np.int8, 3),
        ("cls@-1|l2", np.float32, 32),
    ],
)
def test_of_no_text_there_are_no_rows_of_the_same_kind(bert, spec, dtype, width):
    for none in ([], (), iter([]), pd.Series([], dtype=object), np.array([], object)):
        made = bert.embed(none, spec)
        assert (made.shape, made.dtype) == ((0, width), dtype)
    assert made.dtype == bert.embed(TEXTS, spec).dtype
    assert made.shape[1:] == bert.embed(TEXTS, spec).shape[1:]


def test_of_no_text_fitted_steps_give_their_type(bert):
    made = bert.embed([], "mean@-1|whiten(2)|int8", fit=TEXTS)
    assert (made.shape, made.dtype) == ((0, 2), np.int8)
