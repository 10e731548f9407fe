"""Vectors and texts that lie apart, matched by their order or their ids."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from poolwise.doctor.stored import stored_vectors
from poolwise.errors import ColumnError, OptionError, StoreError, TextError


def csv(path, ids, texts, name="id"):
    rows = "".join(f"{id_},{text}\n" for id_, text in zip(ids, texts, strict=True))
    path.write_text(f"{name},sentence\n{rows}")
    return path


def test_another_number_of_texts(tmp_path, given):
    rows = given()
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in rows.texts[1:]))
    with pytest.raises(StoreError, match=r"found 60 vectors in vectors and 59 texts in .*texts"):
        stored_vectors(rows.vectors, tmp_path / "texts.txt")
    with pytest.raises(StoreError, match=r"found 60 vectors in vectors and 61 texts in texts,"):
        stored_vectors(rows.vectors, [*rows.texts, "more"], limit=5)


def test_texts_in_every_format(tmp_path, given):
    rows = given()
    frame = pd.DataFrame({"number": range(60), "review": rows.texts})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        rows.check(stored_vectors(rows.vectors, tmp_path / name, limit=7), n=7)
    rows.check(stored_vectors(rows.vectors, frame), n=60)


def test_texts_in_several_files(tmp_path, given):
    rows = given()
    for number in range(3):
        part = rows.texts[20 * number : 20 * number + 20]
        (tmp_path / f"{number}.txt").write_text("".join(f"{text}\n" for text in part))
    rows.check(stored_vectors(rows.vectors, f"{tmp_path}/*.txt"), n=60)


def test_the_column_of_texts(tmp_path, given):
    rows = given()
    frame = pd.DataFrame({"first": rows.texts, "second": ["x"] * 60})
    with pytest.raises(ColumnError, match=r"which column of texts .* text_column: 'first', 'sec"):
        stored_vectors(rows.vectors, frame)
    rows.check(stored_vectors(rows.vectors, frame, text_column="first"), n=60)
    with pytest.raises(TextError, match=r"texts has no column 'firs' \(did you mean 'first'\?\)"):
        stored_vectors(rows.vectors, frame, text_column="firs")


def test_by_id(tmp_path, given):
    rows = given()
    path = rows.write(tmp_path / "v.parquet")
    order = np.random.default_rng(0).permutation(60)
    texts = csv(tmp_path / "t.csv", order + 100, [rows.texts[at] for at in order])
    found = stored_vectors(path, texts, limit=11)
    rows.check(found, n=11)
    assert found.description.endswith("t.csv by 'id'")
    rows.check(stored_vectors(rows.table().to_pandas(), texts, limit=11), n=11)


def test_by_an_id_column_of_another_name(tmp_path, given):
    rows = given()
    frame = pd.DataFrame({"key": [f"k{n}" for n in range(60)], "v": [*rows.vectors]})
    texts = pd.DataFrame({"key": frame["key"][::-1], "t": rows.texts[::-1]})
    rows.check(stored_vectors(frame, texts, text_column="t"), n=60)
    frame, texts = (table.rename(columns={"key": "code"}) for table in (frame, texts))
    found = stored_vectors(frame, texts, text_column="t", id_column="code")
    rows.check(found, n=60)
    with pytest.raises(OptionError, match=r"vectors has no column 'cod'"):
        stored_vectors(frame, texts.assign(cod=1), text_column="t", id_column="cod")
    with pytest.raises(OptionError, match=r"give texts too"):
        stored_vectors(frame, id_column="code")


def test_either_may_be_a_part(tmp_path, given):
    rows = given()
    path = rows.write(tmp_path / "v.parquet")
    some = csv(tmp_path / "some.csv", range(110, 130), rows.texts[10:30])
    found = stored_vectors(path, some, limit=8)
    rows.check(found, n=8)
    assert {int(text.split()[1]) for text in found.texts} <= {*range(10, 30)}
    assert found.notes[1].startswith("40 rows of ")
    assert "the first '100': left out" in found.notes[1]
    ids = range(100, 170)
    found = stored_vectors(path, csv(tmp_path / "more.csv", ids, rows.texts + ["other"] * 10))
    rows.check(found, n=60)
    assert found.notes[0].startswith("10 rows of ")


@pytest.mark.parametrize("ids", [range(101, 161), range(1000, 1060)])
def test_ids_that_do_not_match(tmp_path, given, ids):
    rows = given()
    path = rows.write(tmp_path / "v.parquet")
    n, last = (1, "160") if ids[0] == 101 else (60, "1000")
    with pytest.raises(
        StoreError,
        match=rf"'id' do not match: {n} of 60 vectors in .* no text, the first '100', and {n} of "
        rf"60 texts in .* no vector, the first '{last}'",
    ):
        stored_vectors(path, csv(tmp_path / "t.csv", ids, rows.texts))


def test_ids_that_come_twice(tmp_path, given):
    rows = given()
    ids = [*range(100, 159), 100]
    path = rows.write(tmp_path / "v.parquet")
    with pytest.raises(StoreError, match=r"the id '100' comes twice in .*t\.csv"):
        stored_vectors(path, csv(tmp_path / "t.csv", ids, rows.texts))
    table = rows.table().set_column(0, "id", [ids])
    pq.write_table(table, path)
    with pytest.raises(StoreError, match=r"the id '100' comes twice in .*v\.parquet"):
        stored_vectors(path, csv(tmp_path / "t.csv", range(100, 160), rows.texts))


def test_texts_that_are_not_there(tmp_path, given):
    with pytest.raises(TextError, match=r"no such file"):
        stored_vectors(given().vectors, tmp_path / "texts.txt")
    with pytest.raises(TextError, match=r"can be read only once"):
        stored_vectors(given().vectors, iter(given().texts))
