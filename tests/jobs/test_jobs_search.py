"""poolwise.search: what NumPy finds among all vectors, whatever files they are in."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.errors import EncoderError, OptionError, StoreError, TextError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.nearest import Nearest
from poolwise.jobs.plan import Plan
from poolwise.jobs.similarity import similarity_of
from poolwise.jobs.stored_readouts import stored_readouts
from poolwise.stores import parquet_output
from poolwise.transforms.fitted_readout import FittedReadout

NOUNS = "cat dog mat hill sea house tree bird man woman child".split()
TEXTS = [f"the {a} sat on the {b}" for a in NOUNS for b in NOUNS]
QUERIES = ["a cat on a hill", "the old woman ran to the sea", "the dog sat on the mat"]


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def job(bert, tmp_path, monkeypatch):
    """Makes a job of TEXTS, three of them without a text, in parts of several row groups."""

    def make(readouts="mean@-1", *, model=bert, **options):
        monkeypatch.setattr(parquet_output, "_ROW_GROUP", 1)
        source = tmp_path / "rows.jsonl"
        texts = [None if at % 40 == 7 else text for at, text in enumerate(TEXTS)]
        rows = [{"text": t, "name": f"n{at}", "n": at} for at, t in enumerate(texts)]
        source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        options = {"part_rows": 50, **options}
        poolwise.embed_corpus(model, source, out, readouts, **options)
        return out

    return make


def stored(out, column):
    """Every row's vector, and its id."""
    table = pq.read_table(out, columns=["id", column])
    return table["id"].to_pylist(), table[column].to_pylist()


def best_ten(out, column, query, key):
    """Ids and scores by NumPy over all rows."""
    ids, vectors = stored(out, column)
    scored = [(key(np.array(v), query), i) for i, v in zip(ids, vectors, strict=True) if v]
    order = sorted(range(len(scored)), key=lambda at: -scored[at][0])[:10]
    return [scored[at][1] for at in order], [scored[at][0] for at in order]


def cosine(a, b):
    a, b = a.astype(float), b.astype(float)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def bits(a, b):
    return -float(np.unpackbits(a.astype(np.int8).view(np.uint8) ^ b.view(np.uint8)).sum())


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_the_same_ten_as_numpy(job, bert, dtype):
    fit = TEXTS if dtype == "int8" else None
    out = job(dtype=dtype, id_column="name", fit=fit)
    found = poolwise.search(out, QUERIES)
    assert found.score == "cosine"
    assert (found.rows, found.left_out) == (len(TEXTS) - 3, 3)
    column = found.column
    if dtype == "int8":
        folder = JobFolder(out)
        queries = bert.embed(QUERIES, stored_readouts(folder, Plan.load(folder))[column])
    else:
        queries = bert.embed(QUERIES, "mean@-1")
    for query, hits in zip(queries, found.queries, strict=True):
        ids, scores = best_ten(out, column, query, cosine)
        assert [hit.id for hit in hits.hits] == ids
        assert np.allclose([hit.score for hit in hits.hits], scores, rtol=0, atol=1e-12)
        assert [hit.rank for hit in hits.hits] == list(range(1, 11))


def test_bits_of_binary_vectors(job, bert):
    out = job({"bits": "cls@-1"}, dtype="binary")
    found = poolwise.search(out, QUERIES)
    assert (found.score, found.column, found.readout) == ("hamming", "bits", "cls@-1|binary")
    for query, hits in zip(bert.embed(QUERIES, "cls@-1|binary"), found.queries, strict=True):
        ids, scores = best_ten(out, "bits", query, bits)
        assert [(hit.id, -hit.score) for hit in hits.hits] == list(zip(ids, scores, strict=True))
    with pytest.raises(OptionError, match="score is 'cosine', expected hamming"):
        poolwise.search(out, "a cat", score="cosine")


def test_dot_products(job, bert):
    out = job()
    found = poolwise.search(out, QUERIES[0], 5, score="dot")
    query = bert.embed(QUERIES[0], "mean@-1")
    ids, scores = best_ten(out, "mean@-1", query, lambda a, b: a @ b.astype(float))
    assert [hit.id for hit in found.queries[0].hits] == ids[:5]
    assert np.allclose([hit.score for hit in found.queries[0].hits], scores[:5])
    with pytest.raises(OptionError, match="expected cosine or dot"):
        poolwise.search(out, "a cat", score="hamming")


def test_scores_do_not_depend_on_row_groups_or_other_queries(job, monkeypatch):
    small = poolwise.search(job(with_text=True, keep=["n"]), QUERIES)
    monkeypatch.undo()
    alone = [poolwise.search(small.output, query) for query in QUERIES]
    assert [found.queries[0] for found in alone] == list(small.queries)
    monkeypatch.setattr("poolwise.jobs.search._BLOCK", 100)
    assert poolwise.search(small.output, QUERIES).queries == small.queries


def test_a_hit_says_what_is_known_of_its_row(job):
    out = job(with_text=True, keep=["n", "name"])
    (found,) = poolwise.search(out, TEXTS[60], 3).queries
    first = found.hits[0]
    assert first.text == TEXTS[60]
    assert first.score == pytest.approx(1)
    assert (first.id, first.kept) == (60, {"n": 60, "name": "n60"})
    assert first.part == "part-00001.parquet"
    assert "the cat" in poolwise.search(out, "the cat")._repr_html_()


def test_rows_left_out_of_parts_shift_no_row(job):
    out = job(with_text=True, on_bad_row="skip", id_column="n")
    for at in (49, 50, 99, 120):
        (found,) = poolwise.search(out, TEXTS[at], 1).queries
        assert (found.hits[0].id, found.hits[0].text) == (at, TEXTS[at])


def test_ties_are_in_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 32)).astype(np.float32)[np.arange(3000) % 7]
    for name in ("cosine", "dot"):
        similarity, nearest = similarity_of(name, vectors[2:3] * 3), Nearest(1, 10)
        for at in range(0, 3000, 130):
            rows = np.arange(at, min(at + 130, 3000))
            similarity.add(vectors[rows], rows, nearest)
        if name == "cosine":
            assert nearest.rows[0].tolist() == list(range(2, 72, 7))
        assert (np.diff(nearest.rows[0]) == 7).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1.0, 1e18, 1e30])
def test_vectors_of_any_size_have_their_cosine(scale):
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(500, 16)) * rng.choice([1, 1e-3], (500, 1))
    vectors = (vectors * scale).astype(np.float32)
    vectors[::50] = 0
    vectors[7] = np.nan
    query = rng.normal(size=16).astype(np.float32)
    similarity, nearest = similarity_of("cosine", query[None]), Nearest(1, 20)
    unscored = sum(
        similarity.add(vectors[at : at + 90], np.arange(500)[at : at + 90], nearest)
        for at in range(0, 500, 90)
    )
    assert unscored == 11
    with np.errstate(all="ignore"):
        cosines = np.array([cosine(vector, query) for vector in vectors])
    order = np.argsort(-cosines)[:20]  # NaN last
    assert nearest.rows[0].tolist() == order.tolist()
    assert np.allclose(nearest.scores[0], cosines[order])


def test_a_column_has_to_be_named_where_there_are_several(job):
    out = job({"m": "mean@-1", "cls@-1": "cls@-1"})
    with pytest.raises(OptionError, match=r"several columns of vectors, m \(mean@-1\), cls@-1:"):
        poolwise.search(out, "a cat")
    with pytest.raises(OptionError, match=r"no column of vectors 'max@-1'; it has m"):
        poolwise.search(out, "a cat", column="max@-1")
    by_name = poolwise.search(out, "a cat", column="m")
    assert by_name.queries == poolwise.search(out, "a cat", column="mean@-1").queries
    assert by_name.queries != poolwise.search(out, "a cat", column="cls@-1").queries


def test_another_model_is_refused(job, bert, tiny, tmp_path):
    out = job()
    other = poolwise.load(tiny("bert", num_hidden_layers=2))
    with pytest.raises(StoreError) as refused:
        poolwise.search(out, "a cat", model=other)
    for word in (bert.hash[:12], other.hash[:12], bert.name, other.name):
        assert word in str(refused.value)
    moved = shutil.copytree(bert.folder, tmp_path / "moved")
    assert poolwise.search(out, "a cat", model=moved).queries[0].hits


def test_a_model_that_is_gone_is_asked_for(job, bert, tmp_path):
    folder = shutil.copytree(bert.folder, tmp_path / "model")
    out = job(model=poolwise.load(folder))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(EncoderError, match="where it has moved, name its place"):
        poolwise.search(out, "a cat")
    assert poolwise.search(out, "a cat", model=tmp_path / "elsewhere").queries[0].hits


def test_an_unfinished_job_and_a_large_k_are_said(job):
    out = job()
    (out / "_SUCCESS").unlink()
    (out / "part-00001.parquet").unlink()
    found = poolwise.search(out, "a cat", 1000)
    assert (found.parts, found.all_parts) == (2, 3)
    assert len(found.queries[0].hits) == found.rows == len(TEXTS) - 50 - 2
    assert any("not finished: 2 of 3 parts are searched" in note for note in found.notes)
    assert any("k is 1,000, and there are 69 rows" in note for note in found.notes)


def test_queries_have_their_own_prompt(job, bert, tmp_path, modules):
    folder = shutil.copytree(bert.folder, tmp_path / "prompted")
    modules(folder, "mean")
    prompts = {"prompts": {"query": "find the ", "document": "on the "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    model = poolwise.load(folder)
    out = job(model=model, prompt_name="document")
    found = poolwise.search(out, "old cat")
    assert (found.prompt, found.row_prompt) == ("find the ", "on the ")
    query = bert.embed("find the old cat", "mean@-1")
    assert [hit.id for hit in found.queries[0].hits] == best_ten(out, "mean@-1", query, cosine)[0]
    assert poolwise.search(out, "old cat", prompt_name="document").prompt == "on the "
    assert poolwise.search(out, "old cat", prompt="").prompt == ""


def test_without_a_query_prompt_queries_have_that_of_the_rows(job):
    assert poolwise.search(job(prompt="on the "), "old cat").prompt == "on the "
    assert poolwise.search(job(), "old cat").prompt == ""


def test_a_query_prompt_of_the_readout(job, tmp_path):
    readout = FittedReadout(poolwise.parse("mean@-1"), prompt="on the ", query_prompt="where is ")
    found = poolwise.search(job(readout), "a cat")
    assert (found.prompt, found.row_prompt) == ("where is ", "on the ")


def test_queries_without_a_text_and_long_ones(job):
    out = job()
    with pytest.raises(TextError, match="query 2 is ' ', expected a text"):
        poolwise.search(out, ["a cat", " "])
    with pytest.raises(TextError, match="no query"):
        poolwise.search(out, [])
    found = poolwise.search(out, "the cat sat " * 100)
    assert any("1 of 1 texts were cut to 64 tokens" in note for note in found.notes)


def test_what_is_no_job_and_what_is_damaged(job, tmp_path):
    with pytest.raises(StoreError, match="holds no corpus job"):
        poolwise.search(tmp_path, "a cat")
    out = job()
    part = out / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"part-00001\.parquet cannot be read"):
        poolwise.search(out, "a cat")
