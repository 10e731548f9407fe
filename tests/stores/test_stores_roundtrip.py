"""What goes into a store comes out of the file, read by those who own the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from poolwise.errors import StoreError
from poolwise.records import Sentence, VectorBatch
from poolwise.stores import create

MEAN, BITS = "mean@weights(0.1,0.9)|l2", "cls@-1|int8"
ROW_COLUMNS = ("n_tokens", "truncated", "empty", "nonfinite")
SIZES = st.lists(st.integers(0, 9), max_size=12).map(lambda sizes: [*sizes, 1])

Batches = list[VectorBatch]


@pytest.fixture(scope="session")
def make_batches(make_batch: Callable[..., VectorBatch]) -> Callable[..., Batches]:
    """Batches of these sizes, one after another."""

    def make(sizes: Sequence[int], ids: type = int) -> Batches:
        starts = accumulate(sizes, initial=0)
        return [make_batch(n, start, ids=ids) for n, start in zip(sizes, starts, strict=False)]

    return make


def stacked(batches: Batches, name: str) -> np.ndarray:
    parts = [
        batch.vectors[name] if name in batch.vectors else getattr(batch, name) for batch in batches
    ]
    return np.concatenate(parts)


def save(path: Path, batches: Batches, readouts: Sequence[str] = (MEAN, BITS), **how) -> Path:
    with create(path, readouts, overwrite=True, **how) as store:
        for batch in batches:
            store.write(batch)
        assert store.rows == sum(map(len, batches))
    return path


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, ids=st.sampled_from([int, str]), gathered=st.sampled_from([1, 200, 1 << 24]))
def test_parquet(make_batches, tmp_path_factory, sizes, ids, gathered):
    batches = make_batches(sizes, ids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poolwise.stores.parquet_output._ROW_GROUP", gathered)
        path = tmp_path_factory.getbasetemp() / "any.parquet"
        table = pq.read_table(save(path, batches, with_text=True))
    sentences = [sentence for batch in batches for sentence in batch.sentences]
    assert table.column_names == ["id", "text", MEAN, BITS, *ROW_COLUMNS]
    assert table["id"].to_pylist() == [sentence.id for sentence in sentences]
    assert table["text"].to_pylist() == [sentence.text for sentence in sentences]
    for name in (MEAN, BITS):
        vectors = np.array(table[name].to_pylist(), stacked(batches, name).dtype)
        np.testing.assert_array_equal(vectors, stacked(batches, name))
    for name in ROW_COLUMNS:
        np.testing.assert_array_equal(table[name].to_numpy(), stacked(batches, name))


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, name=st.sampled_from([MEAN, BITS]))
def test_npy(make_batches, tmp_path_factory, sizes, name):
    batches = make_batches(sizes)
    path = tmp_path_factory.getbasetemp() / "any.npy"
    array = np.load(save(path, batches, [name]), mmap_mode="r")
    assert array.dtype == batches[-1].vectors[name].dtype
    np.testing.assert_array_equal(array, stacked(batches, name))


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES)
def test_safetensors(make_batches, tmp_path_factory, sizes):
    batches = make_batches(sizes)
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    tensors = safetensors.numpy.load_file(save(path, batches))
    assert tensors.keys() == {"id", MEAN, BITS, *ROW_COLUMNS}
    np.testing.assert_array_equal(tensors["id"], np.arange(sum(sizes)))
    for name in (MEAN, BITS, *ROW_COLUMNS):
        assert tensors[name].dtype == stacked(batches, name).dtype
        np.testing.assert_array_equal(tensors[name], stacked(batches, name))


def test_safetensors_layout_is_the_reference_librarys(make_batch, tmp_path):
    batch = make_batch(7)
    path = save(tmp_path / "ours.safetensors", [batch])
    reference = tmp_path / "theirs.safetensors"
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), reference)

    def offsets(file: Path) -> dict[str, object]:
        content = file.read_bytes()
        size = int.from_bytes(content[:8], "little")
        assert size % 8 == 0
        header = json.loads(content[8 : 8 + size])
        header.pop("__metadata__", None)
        return header

    assert offsets(path) == offsets(reference)


def test_text_ids_stay_out_of_safetensors(make_batch, tmp_path):
    path = save(tmp_path / "a.safetensors", [make_batch(3, ids=str)])
    assert "id" not in safetensors.numpy.load_file(path)


@pytest.mark.parametrize("suffix", [".parquet", ".npy", ".safetensors"])
def test_metadata_added_until_the_end(make_batch, tmp_path, suffix):
    batch = make_batch(50)
    path = tmp_path / f"a{suffix}"
    with create(path, [MEAN], metadata={"model": "tiny", "depth": 6}) as store:
        store.write(batch)
        store.metadata["texts"] = {"hash": "abc"}
    if suffix == ".parquet":
        raw = pq.read_schema(path).metadata
        assert raw.items() <= pq.read_metadata(path).metadata.items()
        found = {key.decode(): value.decode() for key, value in raw.items()}
    elif suffix == ".safetensors":
        with safe_open(path, "np") as file:
            found = file.metadata()
    else:
        described = json.loads((tmp_path / "a.npy.json").read_text())
        assert described["depth"] == 6
        found = {
            f"poolwise.{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in described.items()
        }
    assert found == {
        "poolwise.model": "tiny",
        "poolwise.depth": "6",
        "poolwise.texts": '{"hash": "abc"}',
        "poolwise.readouts": json.dumps([MEAN]),
        "poolwise.rows": "50",
        "poolwise.truncated": str(batch.truncated.sum()),
        "poolwise.empty": str(batch.empty.sum()),
        "poolwise.nonfinite": str(batch.nonfinite.sum()),
    }


def test_parquet_is_what_pandas_and_datasets_expect(make_batch, tmp_path):
    import pandas as pd
    from datasets import Dataset, List, Value
    from datasets.utils.logging import disable_progress_bar

    batch = make_batch(6)
    path = save(tmp_path / "a.parquet", [batch])
    frame = pd.read_parquet(path)
    np.testing.assert_array_equal(np.stack(frame[MEAN]), batch.vectors[MEAN])
    disable_progress_bar()
    dataset = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert dataset.features[MEAN] == List(Value("float32"), length=4)
    np.testing.assert_array_equal(dataset.with_format("numpy")[MEAN][:], batch.vectors[MEAN])


def test_parquet_types(make_batch, tmp_path):
    schema = pq.read_schema(save(tmp_path / "a.parquet", [make_batch(2)]))
    assert schema.field("id").type == pa.int64()
    assert schema.field(MEAN).type == pa.list_(pa.float32(), 4)
    assert schema.field(BITS).type == pa.list_(pa.int8(), 3)
    assert schema.field("n_tokens").type == pa.int32()
    assert "text" not in schema.names


def test_tiny_batches_share_a_row_group_and_large_ones_do_not(make_batch, tmp_path):
    path = save(tmp_path / "a.parquet", [make_batch(1, row) for row in range(500)])
    assert pq.read_metadata(path).num_row_groups == 1
    large = [make_batch(4200, row, width=1000) for row in (0, 4200)]
    assert pq.read_metadata(save(path, large)).num_row_groups == 2


def test_vectors_that_are_slices(make_batch, tmp_path):
    batch = make_batch(8)
    every_other = VectorBatch(
        batch.sentences[::2],
        {name: vectors[::2] for name, vectors in batch.vectors.items()},
        *(getattr(batch, name)[::2] for name in ROW_COLUMNS),
    )
    tensors = safetensors.numpy.load_file(save(tmp_path / "a.safetensors", [every_other]))
    np.testing.assert_array_equal(tensors[MEAN], batch.vectors[MEAN][::2])
    table = pq.read_table(save(tmp_path / "a.parquet", [every_other]))
    np.testing.assert_array_equal(table[MEAN].to_pylist(), batch.vectors[MEAN][::2])
    array = np.load(save(tmp_path / "a.npy", [every_other], [MEAN]))
    np.testing.assert_array_equal(array, batch.vectors[MEAN][::2])


@pytest.mark.parametrize("suffix", [".parquet", ".safetensors"])
def test_ids_of_two_kinds(make_batch, tmp_path, suffix):
    with pytest.raises(StoreError, match="ids"):
        save(tmp_path / f"a{suffix}", [make_batch(2), make_batch(2, 2, ids=str)])
    assert not list(tmp_path.iterdir())


def test_an_id_beyond_64_bits(make_batch, tmp_path):
    batch = make_batch(1)
    huge = VectorBatch(
        [Sentence("a", 2**70)], batch.vectors, *(getattr(batch, m) for m in ROW_COLUMNS)
    )
    for suffix in (".parquet", ".safetensors"):
        with pytest.raises(StoreError, match="64"):
            save(tmp_path / f"a{suffix}", [huge])


def test_vectors_that_change(make_batch, tmp_path):
    with pytest.raises(StoreError, match="now are"):
        save(tmp_path / "a.npy", [make_batch(2, width=4), make_batch(2, width=5)], [MEAN])
    with pytest.raises(StoreError, match=r"no vectors for 'sep@-1' came"):
        save(tmp_path / "a.parquet", [make_batch(2)], ["sep@-1"])
    assert not list(tmp_path.iterdir())


def test_a_column_whose_name_is_no_text_is_refused(tmp_path):
    with (
        pytest.raises(StoreError, match=r"'a\\udcff' cannot be kept .* half of a surrogate pair"),
        create(tmp_path / "v.parquet", [MEAN], extra_columns={"a\udcff": pa.string()}),
    ):
        pass
    assert not [*tmp_path.iterdir()]
