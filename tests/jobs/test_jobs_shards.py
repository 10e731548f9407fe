"""Jobs that share a folder, and jobs of unusual sizes."""

from __future__ import annotations

import threading

import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.errors import OptionError, StoreError, TextError
from poolwise.jobs.stored_readouts import save_readouts


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shards_in_any_order_make_what_one_job_makes(small_corpus, tmp_path, order):
    for done, index in enumerate(order, 1):
        result = small_corpus.embed(tmp_path / "out", shard=(index, 3))
        assert (result.parts, result.made_rows) == (10 * done, 400)
        assert result.complete == (done == 3) == (tmp_path / "out" / "_SUCCESS").exists()
    assert small_corpus.files(tmp_path / "out") == small_corpus.whole


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0)])
def test_a_shard_that_is_none(small_corpus, tmp_path, shard):
    with pytest.raises(OptionError, match=r"expected I/N with I from 1 to N"):
        small_corpus.embed(tmp_path / "out", shard=shard)
    assert not (tmp_path / "out").exists()


def test_two_that_plan_at_once_work_on_one_plan(tiny, tmp_path, monkeypatch):
    """Both have seen no plan, and each has fitted steps of its own; the second to write takes the
    plan, and the steps, of the first."""
    (tmp_path / "in.txt").write_text("".join(f"the cat {n}\n" for n in range(60)))
    (tmp_path / "fit.txt").write_text("".join(f"a {n} dog {n * n}\n" for n in range(40)))
    met = threading.Barrier(2, timeout=120)

    def save_after_both_have_begun(request, folder):
        met.wait()
        names = save_readouts(request, folder)
        met.wait()
        return names

    monkeypatch.setattr("poolwise.jobs.planning.save_readouts", save_after_both_have_begun)
    results, errors = [], []

    def embed():
        try:
            done = poolwise.embed_corpus(
                tiny("bert"), str(tmp_path / "in.txt"), tmp_path / "out", "mean@-1|whiten(4)",
                fit=str(tmp_path / "fit.txt"), part_rows=20,
            )  # fmt: skip
            results.append(done)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=embed) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [result.complete for result in results] == [True, True]
    ids = [pq.read_table(tmp_path / "out" / f"part-0000{n}.parquet")["id"] for n in range(3)]
    assert [n for part in ids for n in part.to_pylist()] == list(range(60))


@pytest.mark.parametrize(
    ("rows", "part_rows", "workers", "parts"), [(1, 100, None, 1), (3, 1, None, 3), (2, 1, 3, 2)]
)
def test_few_rows(tiny, tmp_path, rows, part_rows, workers, parts):
    (tmp_path / "in.txt").write_text("".join(f"the cat {n}\n" for n in range(rows)))
    result = poolwise.embed_corpus(
        tiny("bert"), str(tmp_path / "in.txt"), tmp_path / "out", "mean@-1",
        part_rows=part_rows, workers=workers,
    )  # fmt: skip
    assert (result.rows, result.parts, result.complete) == (rows, parts, True)


def test_a_limit_counts_over_all_inputs(small_corpus, tmp_path):
    result = small_corpus.embed(tmp_path / "out", limit=530, part_rows=100)
    assert (result.rows, result.parts) == (530, 6)
    last = pq.read_table(tmp_path / "out" / "part-00005.parquet")["id"].to_pylist()
    assert last == list(range(500, 530))


def test_a_part_whose_rows_are_all_left_out_is_there_without_rows(tiny, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a cat"}\n' * 2 + '{"text": null}\n' * 3)
    result = poolwise.embed_corpus(
        tiny("bert"), str(tmp_path / "in.jsonl"), tmp_path / "out", "mean@-1", part_rows=2,
        on_bad_row="skip",
    )  # fmt: skip
    assert (result.rows, dict(result.rejected), result.complete) == (2, {"null": 3}, True)
    tables = [pq.read_table(tmp_path / "out" / f"part-0000{n}.parquet") for n in range(3)]
    assert [len(table) for table in tables] == [2, 0, 0]
    assert tables[0].schema == tables[1].schema


def test_a_row_that_is_to_end_the_job_leaves_the_parts_before_it(small_corpus, tmp_path):
    with pytest.raises(TextError, match=r"a\.jsonl.*: null; repair the row, or --on-bad-row null"):
        small_corpus.embed(tmp_path / "out", on_bad_row="fail", part_rows=4)
    assert [path.name for path in (tmp_path / "out").glob("part-*")] == ["part-00000.parquet"]


def test_a_folder_that_holds_something_else_is_refused(small_corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("precious")
    with pytest.raises(StoreError, match=r"holds notes\.txt, which no corpus job wrote"):
        small_corpus.embed(tmp_path / "out", resume=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
