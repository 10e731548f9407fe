"""An update: the output is what a new job would make, and only new texts are computed."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.errors import OptionError, StoreError
from poolwise.jobs import make_parts, part_maker
from poolwise.jobs.folder import JobFolder

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from job_files import files_of

ROWS = [(f"n{number}", f"the cat sat on hill {number}", number % 5) for number in range(45)]
ROWS[13] = ("n13", "", 3)
PART_ROWS = 10


def write(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("name", "text", "stars"), *rows])
    return path


def changed(at, text):
    return lambda rows: [*rows[:at], (rows[at][0], text, rows[at][2]), *rows[at + 1 :]]


MORE = [("a", "a dog", 1), ("b", "a bird", 2)]
EDITS = {  # the new rows; rows reused, changed, new, gone; texts that are computed
    "nothing": (lambda rows: rows, (45, 0, 0, 0), 0),
    "rows at the end": (lambda rows: rows + MORE, (45, 0, 2, 0), 2),
    "a row in front": (lambda rows: [("a", "a dog", 1), *rows], (45, 0, 1, 0), 1),
    "another text": (changed(21, "the dog ran"), (44, 1, 0, 0), 1),
    "a text that was empty": (changed(13, "the dog ran"), (44, 1, 0, 0), 1),
    "a text that is empty now": (changed(21, " "), (44, 1, 0, 0), 0),
    "rows that are gone": (lambda rows: rows[:5] + rows[9:], (41, 0, 0, 4), 0),
    "a part less": (lambda rows: rows[:38], (38, 0, 0, 7), 0),
    "another order": (lambda rows: rows[::-1], (45, 0, 0, 0), 0),
    "other stars": (lambda rows: [(name, text, 9) for name, text, _ in rows], (45, 0, 0, 0), 0),
    "an id twice": (lambda rows: [*rows, rows[3]], (46, 0, 0, 0), 0),
}  # fmt: skip


@pytest.fixture
def computed(monkeypatch):
    """The texts that are computed."""
    texts: list[str] = []
    real = part_maker.window_vectors

    def counted(extraction, rows):
        texts.extend(row.text for row in rows if not row.problem)
        return real(extraction, rows)

    monkeypatch.setattr(part_maker, "window_vectors", counted)
    return texts


@pytest.mark.parametrize("policy", ["null", "skip"])
@pytest.mark.parametrize("keep", [(), ("stars",)])
@pytest.mark.parametrize("edit", EDITS)
def test_the_output_is_that_of_a_new_job(edit, keep, policy, tiny, tmp_path, computed):
    source = write(tmp_path / "rows.csv", ROWS)
    readouts = {"embedding": "mean@-1", "bits": "cls@-1|binary"}
    options = {
        "id_column": "name", "column": "text", "keep": keep, "part_rows": PART_ROWS,
        "on_bad_row": policy, "with_text": True,
    }  # fmt: skip
    poolwise.embed_corpus(tiny("bert"), source, tmp_path / "out", readouts, **options)
    edited, counts, texts = EDITS[edit]
    write(source, edited(ROWS))
    computed.clear()
    result = poolwise.embed_corpus(
        tiny("bert"), source, tmp_path / "out", readouts, update=True, **options
    )
    assert len(computed) == texts
    if policy == "null":
        assert tuple(result.update.to_json().values()) == counts
    poolwise.embed_corpus(tiny("bert"), source, tmp_path / "new", readouts, **options)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "new")
    assert poolwise.verify(tmp_path / "out").whole


def test_numbered_rows_with_some_more(tiny, tmp_path, computed):
    source = tmp_path / "lines.txt"
    source.write_text("".join(f"line {number}\n" for number in range(25)))
    options = {"part_rows": PART_ROWS, "resume": True}
    poolwise.embed_corpus(tiny("bert"), source, tmp_path / "out", "mean@-1", **options)
    with source.open("a") as file:
        file.write("one more line\n")
    with pytest.raises(StoreError, match=r"lines\.txt has changed .*--update"):
        poolwise.embed_corpus(tiny("bert"), source, tmp_path / "out", "mean@-1", **options)
    first = (tmp_path / "out" / "part-00000.parquet").stat().st_ino
    computed.clear()
    options = {"part_rows": PART_ROWS, "update": True, "workers": None}
    result = poolwise.embed_corpus(tiny("bert"), source, tmp_path / "out", "mean@-1", **options)
    assert computed == ["one more line"]
    assert result.rows == 26
    assert (tmp_path / "out" / "part-00000.parquet").stat().st_ino == first  # not written again


def test_an_update_that_is_interrupted_anywhere(tiny, tmp_path, monkeypatch):
    """Each link, replacement and removal of a name fails once, as a process that ends there."""
    options = {"id_column": "name", "column": "text", "part_rows": PART_ROWS}
    edited = [MORE[0], *ROWS[:30], ("n30", "the dog ran", 2), MORE[1]]
    write(tmp_path / "new.csv", edited)
    model, new = tiny("bert"), tmp_path / "new"
    parts = poolwise.embed_corpus(model, tmp_path / "new.csv", new, "mean@-1", **options).parts
    stop, done = 1, False
    while not done:
        source, out = write(tmp_path / "rows.csv", ROWS), tmp_path / f"out{stop}"
        poolwise.embed_corpus(model, source, out, "mean@-1", **options)
        write(source, edited)
        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            stop_at(patched, out, stop)
            poolwise.embed_corpus(model, source, out, "mean@-1", update=True, **options)
            done = True
        if not done:
            poolwise.embed_corpus(model, source, out, "mean@-1", update=True, **options)
        names = [f"part-{number:05}.parquet" for number in range(parts)]
        assert sorted(path.name for path in out.glob("*.parquet")) == names
        for name in names:
            assert (out / name).read_bytes() == (new / name).read_bytes()
        assert not JobFolder(out).update.path.exists()
        assert poolwise.verify(out).whole
        stop += 5
    assert stop > 20


def stop_at(patched, folder, stop):
    """The ``stop``-th call that gives or takes a name in the folder ends the process."""
    calls = count(1)

    def stopping(real):
        def call(self, *args, **kwargs):
            if str(self).startswith(f"{folder}/") and next(calls) == stop:
                raise KeyboardInterrupt
            return real(self, *args, **kwargs)

        return call

    for name in ("replace", "unlink", "rename"):
        patched.setattr(Path, name, stopping(getattr(Path, name)))


def test_an_input_that_changes_while_the_job_runs(tiny, tmp_path, monkeypatch):
    source, out = write(tmp_path / "rows.csv", ROWS), tmp_path / "out"
    options = {"id_column": "name", "column": "text", "part_rows": PART_ROWS}

    def made_meanwhile(maker, parts, report):
        make_parts(maker, parts, report)
        write(source, ROWS + MORE)

    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["poolwise.api.embed_corpus"], "make_parts", made_meanwhile)
        with pytest.raises(StoreError, match=r"while .*rows\.csv has changed .*--update"):
            poolwise.embed_corpus(tiny("bert"), source, out, "mean@-1", **options)
    assert not JobFolder(out).success.exists()
    result = poolwise.embed_corpus(tiny("bert"), source, out, "mean@-1", update=True, **options)
    assert result.complete
    assert result.update.new == 2


def test_ids_beside_lines_that_are_no_json(tiny, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "n": 1}\nno\n{"text": "b", "n": 2}\n')
    options = {"id_column": "n", "column": "text"}
    out = tmp_path / "out"
    poolwise.embed_corpus(tiny("bert"), tmp_path / "rows.jsonl", out, "mean@-1", **options)
    assert pq.read_table(out)["id"].to_pylist() == [1, None, 2]


def test_what_is_refused(tiny, tmp_path):
    source, out = write(tmp_path / "rows.csv", ROWS), tmp_path / "out"
    options = {"column": "text", "part_rows": PART_ROWS, "update": True}
    made = poolwise.embed_corpus(tiny("bert"), source, out, "mean@-1", **options)
    assert made.update is None  # there was nothing to update
    with pytest.raises(StoreError, match=r"readouts was .*An update changes the inputs only"):
        poolwise.embed_corpus(tiny("bert"), source, out, "cls@-1", **options)
    with pytest.raises(OptionError, match=r"not cut into shards"):
        poolwise.embed_corpus(tiny("bert"), source, out, "mean@-1", shard=(1, 2), **options)
    (JobFolder(out).update.state).mkdir(parents=True)
    JobFolder(out).update.success.write_text("{}")
    with pytest.raises(StoreError, match="--update ends it"):
        poolwise.embed_corpus(
            tiny("bert"), source, out, "mean@-1", **{**options, "update": False, "resume": True}
        )
