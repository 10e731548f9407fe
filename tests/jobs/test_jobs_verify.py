"""poolwise.verify: every kind of damage is named, exactly, and repaired to the same bytes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.sidecar import Sidecar

READOUTS = {"embedding": "mean@-1", "first": "cls@-2|l2"}
ROWS = 35
BAD = (3, 12, 13, 34)


def write_input(path, ids=None):
    """``ROWS`` texts, those of ``BAD`` empty or null."""
    texts = [f"the cat sat on hill {row}" for row in range(ROWS)]
    texts = ["" if row in BAD else text for row, text in enumerate(texts)]
    texts[13] = None
    columns = {"text": texts, "stars": list(range(ROWS))}
    pq.write_table(pa.table(columns | ({} if ids is None else {"name": ids})), path)
    return path


def embed(model, source, output, **options):
    options = {"part_rows": 10, "precision": "exact"} | options
    return poolwise.embed_corpus(model, source, output, READOUTS, **options)


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Jobs with 4 parts, made once: rows numbered and bad ones null, or with ids and skipped."""
    root = tmp_path_factory.mktemp("made")
    source = write_input(root / "numbered.parquet")
    named = write_input(root / "named.parquet", [f"n{row % 30}" for row in range(ROWS)])
    model = tiny("bert")
    embed(model, source, root / "null", with_text=True, keep=["stars"])
    embed(model, source, root / "skip", on_bad_row="skip")
    embed(model, named, root / "named", id_column="name", on_bad_row="skip", dtype="float16")
    return root


@pytest.fixture
def copied(made, tmp_path):
    """``copied("null")``: a copy of one of the jobs, to damage."""

    def copy(name="null"):
        shutil.copytree(made / name, tmp_path / name)
        return JobFolder(tmp_path / name)

    return copy


def found(result):
    """What is wrong: part and check."""
    return {(fault.part, fault.check) for fault in result.faults}


def contents(folder):
    """Every file of a job that is to be the same again."""
    return {
        path.relative_to(folder.path): path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file() and path != folder.claims
    }


def rewrite(folder, number, change, *, sidecar=True):
    """Write a part again with a changed table, and a sidecar that fits to it."""
    path = folder.part(number)
    metadata = {
        key: value
        for key, value in pq.read_metadata(path).metadata.items()
        if key.startswith(b"poolwise.")
    }
    table = change(pq.read_table(path))
    pq.write_table(table.replace_schema_metadata(metadata), path)
    if sidecar:
        Sidecar.of(path).save(folder)


def replaced(table, column, values):
    at = table.schema.get_field_index(column)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.types[at]))


def changed_at(column, row, value):
    def change(table):
        values = table[column].to_pylist()
        values[row] = value
        return replaced(table, column, values)

    return change


@pytest.mark.parametrize("name", ["null", "skip", "named"])
def test_a_whole_output_has_no_faults(made, name):
    result = poolwise.verify(made / name, workers=2)
    assert result.whole
    assert not result.faults
    assert result.rows == (ROWS if name == "null" else ROWS - len(BAD))
    assert (result.parts, result.all_parts, result.missing) == (4, 4, [])
    assert f"whole: {result.rows} rows in all 4 parts" in result.verdict


def test_ids_that_several_rows_have_are_a_note_with_an_example(made):
    (note,) = poolwise.verify(made / "named").notes
    assert "5 ids are that of several rows" not in note  # n4 stands in row 34, which is left out
    assert "3 ids are that of several rows" in note
    assert "'n0' is in part-00000.parquet row 0 and in part-00003.parquet row 0" in note
    assert not poolwise.verify(made / "skip").notes


def test_too_many_ids_are_not_compared(made, monkeypatch):
    monkeypatch.setattr("poolwise.jobs.verification.repeated_ids.MAX_IDS", 20)
    (note,) = poolwise.verify(made / "named").notes
    assert "ids were not compared" in note


def flip(folder):
    """One bit within the vectors, which are not compressed: every value stays finite."""
    path = folder.part(1)
    group = pq.read_metadata(path).row_group(0)
    column = next(
        group.column(at)
        for at in range(group.num_columns)
        if group.column(at).path_in_schema.startswith("embedding")
    )
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 40] ^= 1
    path.write_bytes(content)


def flip_alone(folder):
    flip(folder)
    folder.sidecar(1).unlink()


def flip_compressed(folder):
    path = folder.part(1)
    group = pq.read_metadata(path).row_group(0)
    column = next(
        group.column(at)
        for at in range(group.num_columns)
        if group.column(at).path_in_schema == "text"
    )
    content = bytearray(path.read_bytes())
    end = column.data_page_offset + column.total_compressed_size
    content[end - 60 : end] = bytes(60)
    path.write_bytes(content)


def swap(folder):
    one, two = folder.part(0), folder.part(1)
    one.rename(folder.path / "_other")
    two.rename(one)
    (folder.path / "_other").rename(two)


def garble(folder):
    folder.sidecar(2).write_text("{")


def truncate(folder):
    path = folder.part(1)
    path.write_bytes(path.read_bytes()[:-100])


def edit_list(old, new, number=1):
    def edit(folder):
        path = folder.rejected(number)
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edit


def table(change, number=1, **options):
    return lambda folder: rewrite(folder, number, change, **options)


def plant(value, flag=None):
    def change(table):
        vectors = table["embedding"].to_pylist()
        vectors[5] = [value, *vectors[5][1:]]
        table = replaced(table, "embedding", vectors)
        return table if flag is None else changed_at("nonfinite", 5, flag)(table)

    return change


def edit_footer(key, value, number=1):
    def edit(folder):
        path = folder.part(number)
        metadata = {
            k: v for k, v in pq.read_metadata(path).metadata.items() if k.startswith(b"poolwise.")
        }
        metadata[f"poolwise.{key}".encode()] = value
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        Sidecar.of(path).save(folder)

    return edit


def no_facts(folder):
    path = folder.part(1)
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)


DAMAGE = {
    "a flipped bit": ("null", flip, {(1, "sha256"), (1, "readable")}),
    "a flipped bit without a sidecar": ("null", flip_alone, {(1, "readable")}),
    "a damaged page": ("null", flip_compressed, {(1, "sha256"), (1, "readable")}),
    "a truncated part": ("null", truncate, {(1, "bytes"), (1, "readable")}),
    "an empty file": (
        "null",
        lambda f: f.part(1).write_bytes(b""),
        {(1, "bytes"), (1, "readable")},
    ),
    "swapped parts": (
        "null",
        swap,
        {(0, "bytes"), (0, "number"), (1, "bytes"), (1, "number")},
    ),
    "a part that is gone": (
        "null",
        lambda f: f.part(1).unlink(),
        {(1, "file"), (None, "completeness")},
    ),
    "a garbled sidecar": ("null", garble, {(2, "sidecar")}),
    "a sidecar of another part": (
        "skip",
        lambda f: shutil.copy(f.sidecar(0), f.sidecar(2)),
        {(2, "bytes"), (2, "sidecar")},
    ),
    "an id": ("null", table(changed_at("id", 5, 99)), {(1, "ids")}),
    "ids in another order": (
        "null",
        table(lambda t: t.take([1, 0, *range(2, 10)])),
        {(1, "ids")},
    ),
    "an id of a column": ("named", table(changed_at("id", 5, "other")), {(1, "ids")}),
    "a row twice": (
        "null",
        table(lambda t: pa.concat_tables([t, t.slice(9)])),
        {(1, "rows"), (1, "ids")},
    ),
    "a row less": ("skip", table(lambda t: t.slice(0, 6)), {(1, "rows"), (1, "ids")}),
    "NaN": ("null", table(plant(float("nan"))), {(1, "finite")}),
    "NaN in float16": ("named", table(plant(float("nan"))), {(1, "finite")}),
    "infinity": ("skip", table(plant(float("inf"))), {(1, "finite")}),
    "null in a vector": ("skip", table(plant(None)), {(1, "finite")}),
    "a flag without NaN": (
        "null",
        table(changed_at("nonfinite", 5, True)),
        {(1, "finite"), (1, "flags")},
    ),
    "NaN and its flag": ("null", table(plant(float("nan"), flag=True)), {(1, "flags")}),
    "a lost vector": ("null", table(changed_at("first", 4, None)), {(1, "vectors")}),
    "a vector of a bad row": ("null", table(changed_at("first", 3, [0.5] * 32)), {(1, "vectors")}),
    "a problem": (
        "null",
        table(changed_at("problem", 5, "empty")),
        {(1, "vectors"), (1, "nulls"), (1, "rejected"), (1, "rejected list")},
    ),
    "a problem where such rows are left out": (
        "skip",
        table(changed_at("problem", 5, "empty")),
        {(1, "problem"), (1, "vectors"), (1, "nulls")},
    ),
    "a text": ("null", table(changed_at("text", 5, "another")), {(1, "text_hash")}),
    "a text's hash": ("null", table(changed_at("text_hash", 5, 7)), {(1, "text_hash")}),
    "no number of tokens": ("skip", table(changed_at("n_tokens", 5, None)), {(1, "nulls")}),
    "a column less": ("null", table(lambda t: t.drop_columns("stars")), {(1, "columns")}),
    "columns in another order": (
        "null",
        table(lambda t: t.select(t.column_names[::-1])),
        {(1, "columns")},
    ),
    "another type": (
        "null",
        table(lambda t: t.set_column(0, "id", t["id"].cast(pa.string()))),
        {(1, "columns")},
    ),
    "another width": (
        "null",
        table(
            lambda t: t.set_column(
                t.column_names.index("first"),
                "first",
                pa.array([[0.0] * 8] * len(t), pa.list_(pa.float32(), 8)),
            )
        ),
        {(1, "columns")},
    ),
    "another model": ("null", edit_footer("model_hash", b"0" * 64), {(1, "footer")}),
    "another precision": ("null", edit_footer("precision", b"fast"), {(1, "footer")}),
    "other readouts": ("null", edit_footer("readouts", b'["cls@-1"]'), {(1, "footer")}),
    "no facts": ("null", no_facts, {(1, "bytes"), (1, "footer")}),
    "no list": ("null", lambda f: f.rejected(1).unlink(), {(1, "rejected list")}),
    "a list that is not of the part": (
        "null",
        lambda f: shutil.copy(f.rejected(1), f.rejected(2)),
        {(2, "rejected list")},
    ),
    "a list's id": ("null", edit_list('"id": 12', '"id": 14'), {(1, "rejected list")}),
    "a list's problem": ("null", edit_list('"empty"', '"null"'), {(1, "rejected list")}),
    "a list's line": ("null", edit_list('{"id": 12', "{12"), {(1, "rejected list")}),
    "a skipped id": ("skip", edit_list('"id": 12', '"id": 14'), {(1, "ids")}),
    "an id that is not the part's": (
        "skip",
        edit_list('"id": 12', '"id": 34'),
        {(1, "ids"), (1, "rejected list")},
    ),
    "no list of skipped rows": (
        "skip",
        lambda f: f.rejected(1).unlink(),
        {(1, "ids"), (1, "rejected"), (1, "rejected list")},
    ),
    "totals": (
        "null",
        lambda f: f.success.write_text(f.success.read_text().replace("35", "36")),
        {(None, "totals")},
    ),
    "no totals": ("null", lambda f: f.success.write_text(""), {(None, "totals")}),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named_exactly_and_repaired_to_the_same_bytes(made, copied, what):
    name, damage, expected = DAMAGE[what]
    folder = copied(name)
    before = contents(folder)
    damage(folder)
    assert contents(folder) != before
    result = poolwise.verify(folder.path)
    assert found(result) == expected
    assert not result.whole
    repaired = poolwise.verify(folder.path, repair=True)
    assert repaired.whole, str(repaired)
    assert list(repaired.repaired) == sorted({part for part, _ in expected} - {None})
    assert contents(folder) == before


def test_sentences_say_what_was_found_and_expected(copied):
    folder = copied()
    rewrite(folder, 1, changed_at("id", 5, 99))
    truncated = folder.part(2)
    truncated.write_bytes(truncated.read_bytes()[:-1])
    lines = list(map(str, poolwise.verify(folder.path).faults))
    assert any(
        line.startswith("part-00001.parquet: ids: found another id in row 5 (id 99), expected")
        for line in lines
    )
    assert any(line.startswith("part-00002.parquet: bytes: found ") for line in lines)


def test_missing_parts_are_no_faults_of_a_job_that_has_not_ended(copied):
    folder = copied()
    before = contents(folder)
    folder.success.unlink()
    for number in (1, 3):
        folder.part(number).unlink()
        folder.sidecar(number).unlink()
    result = poolwise.verify(folder.path)
    assert not result.whole
    assert not result.faults
    assert result.missing == [1, 3]
    assert "unfinished: 2 of 4 parts missing (1, 3)" in result.verdict
    assert poolwise.verify(folder.path, repair=True, workers=1).whole
    assert contents(folder) == before


def test_what_is_noted_is_no_fault(copied):
    folder = copied()
    before = contents(folder)
    folder.sidecar(2).unlink()
    folder.success.unlink()
    result = poolwise.verify(folder.path)
    assert result.whole
    assert any("part-00002.parquet had no sidecar" in note for note in result.notes)
    assert any("no _SUCCESS" in note for note in result.notes)
    assert contents(folder).keys() == before.keys() - {folder.success.relative_to(folder.path)}
    assert poolwise.verify(folder.path, repair=True).whole
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["other.parquet", "part-00009.parquet", "in/deep/a.parquet"])
def test_foreign_files_are_named_and_stay(copied, name):
    folder = copied()
    foreign = folder.path / name
    foreign.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [1]}), foreign)
    for repair in (False, True):
        result = poolwise.verify(folder.path, repair=repair)
        assert [(fault.file, fault.check) for fault in result.faults] == [(name, "foreign file")]
        assert not result.repaired
    assert foreign.exists()


def test_hidden_files_are_nobodys_rows(copied):
    folder = copied()
    (folder.path / "_cache").mkdir()
    pq.write_table(pa.table({"id": [1]}), folder.path / "_cache" / "a.parquet")
    assert poolwise.verify(folder.path).whole


def test_a_changed_input_is_a_note_and_stops_a_repair(tiny, tmp_path):
    source = write_input(tmp_path / "a.parquet")
    embed(tiny("bert"), source, tmp_path / "out")
    folder = JobFolder(tmp_path / "out")
    pq.write_table(pq.read_table(source).slice(1), source)
    result = poolwise.verify(folder.path)
    assert result.whole
    (note,) = result.notes
    assert "a.parquet has changed since" in note
    truncate(folder)
    before = contents(folder)
    with pytest.raises(StoreError, match=r"cannot be repaired: .*a\.parquet has changed"):
        poolwise.verify(folder.path, repair=True)
    assert contents(folder) == before


def test_another_model_in_its_place_stops_a_repair(tiny, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(tiny("bert"), model)
    source = write_input(tmp_path / "a.parquet")
    embed(model, source, tmp_path / "out")
    shutil.rmtree(model)
    shutil.copytree(tiny("bert", intermediate_size=48), model)
    folder = JobFolder(tmp_path / "out")
    assert poolwise.verify(folder.path).whole
    truncate(folder)
    before = contents(folder)
    with pytest.raises(StoreError, match="bring that model back"):
        poolwise.verify(folder.path, repair=True)
    assert contents(folder) == before


def test_a_repair_has_the_prompt_the_length_and_the_fitted_steps(tiny, tmp_path, monkeypatch):
    """Also from another working directory than the one where inputs were named."""
    (tmp_path / "a.txt").write_text("".join(f"the dog ran {n}\n\n" for n in range(20)), "latin-1")
    monkeypatch.chdir(tmp_path)
    poolwise.embed_corpus(
        poolwise.load(tiny("bert"), max_length=16),
        "a.txt",
        "out",
        ["mean@-1|whiten(4)", "mean@-2|int8"],
        fit=[f"{n} {n * n} small birds" for n in range(40)],
        prompt="the ",
        encoding="latin-1",
        part_rows=10,
        limit=25,
    )
    folder = JobFolder(tmp_path / "out")
    before = contents(folder)
    for number in (0, 2):
        folder.part(number).write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = poolwise.verify(folder.path, repair=True)
    assert result.whole, str(result)
    assert contents(folder) == before


def test_readouts_that_are_gone_are_named(copied):
    folder = copied()
    next(folder.readouts.rglob("*.toml")).unlink()
    assert found(poolwise.verify(folder.path)) == {(None, "readouts")}


def test_an_update_that_was_stopped_at_its_end_is_named_and_not_repaired(copied):
    folder = copied()
    folder.update.path.mkdir()
    folder.update.success.write_text("{}")
    truncate(folder)
    assert (None, "update") in found(poolwise.verify(folder.path))
    with pytest.raises(StoreError, match="--update"):
        poolwise.verify(folder.path, repair=True)


def test_a_folder_without_a_job_is_refused(tmp_path):
    with pytest.raises(StoreError, match="holds no corpus job"):
        poolwise.verify(tmp_path)


def test_float16_that_is_rounded_to_its_largest_value_may_be_flagged(copied):
    """65,510 is beyond float16, is flagged, and is stored as 65,504."""
    folder = copied("named")
    rewrite(folder, 1, plant(65504.0, flag=True))
    assert found(poolwise.verify(folder.path)) == {(1, "flags")}
    rewrite(folder, 1, plant(65472.0, flag=True))
    assert found(poolwise.verify(folder.path)) == {(1, "flags"), (1, "finite")}


def test_facts_in_the_footer_are_compared_with_the_rows(copied):
    folder = copied()
    facts = json.loads(pq.read_metadata(folder.part(1)).metadata[b"poolwise.part"])
    for name, value, check in (
        ("rows_in", 11, "rows_in"),
        ("rows", 9, "rows"),
        ("rejected", {"empty": 1}, "rejected"),
        ("ids_sha256", "0", "ids"),
        ("flags", {**facts["flags"], "empty": 1}, "flags"),
    ):
        edit_footer("part", json.dumps({**facts, name: value}).encode())(folder)
        assert (1, check) in found(poolwise.verify(folder.path)), name


def test_a_part_of_many_rows_is_read_a_bit_at_a_time(copied, monkeypatch):
    monkeypatch.setattr("poolwise.jobs.verification.part_reading._BATCH", 1)
    folder = copied()
    assert poolwise.verify(folder.path).whole
    rewrite(folder, 1, lambda t: t)
    assert poolwise.verify(folder.path).whole
    rewrite(folder, 1, changed_at("id", 9, 3))
    (fault,) = [f for f in poolwise.verify(folder.path).faults if "row" in f.found]
    assert "row 9 (id 3)" in fault.found


def test_the_rows_of_the_test_are_what_they_are_taken_for(made):
    table = pq.read_table(made / "null" / "part-00001.parquet")
    assert pc.sum(table["problem"].is_valid()).as_py() == 2
    assert np.isfinite(table["embedding"].combine_chunks().flatten().to_numpy()).all()
