"""A transform on disk: the same afterwards, and no other file is taken for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from poolwise.errors import ReadoutError, StoreError
from poolwise.readouts import Readout, Step, parse, parse_steps
from poolwise.records import Floats
from poolwise.transforms import Transform, fit, stateless

Sets = tuple[Floats, Floats]


@pytest.mark.parametrize(
    "readout",
    [
        parse("mean@-1|l2|center|standardize|drop(2)|whiten(8)|truncate(6)|int8"),
        parse("token[3]@weights(9=0.25,12=0.75)|whiten(3)|l2|binary"),
        parse("mean@-1|l2"),
        parse("pooler"),
        parse_steps("center|l2"),
        (),
    ],
    ids=str,
)
def test_the_same_after_loading(
    vectors: Sets, tmp_path: Path, readout: Readout | tuple[Step, ...]
) -> None:
    train, held_out = vectors
    transform = fit(readout, train)
    transform.save(tmp_path / "t.safetensors")
    loaded = Transform.load(str(tmp_path / "t.safetensors"))
    assert (loaded.spec, loaded.steps, loaded.width) == (transform.spec, transform.steps, 24)
    np.testing.assert_array_equal(loaded.apply(held_out), transform.apply(held_out))
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


def test_the_same_content_makes_the_same_bytes(vectors: Sets) -> None:
    """A job compares them by their hash; safetensors writes metadata in an order of chance."""
    transform = fit(parse("mean@-1|center|whiten(8)"), vectors[0])
    assert len({transform.to_bytes() for _ in range(20)}) == 1


def test_without_a_fit(vectors: Sets, tmp_path: Path) -> None:
    stateless(parse("mean@-1|l2")).save(tmp_path / "t")
    loaded = Transform.load(tmp_path / "t")
    assert loaded.width is None
    assert loaded.apply(vectors[1][:, :5]).shape == (50, 5)
    with pytest.raises(ReadoutError, match="has to be fitted"):
        stateless(parse("mean@-1|center")).save(tmp_path / "u")


def test_the_file_can_be_read_without_poolwise(vectors: Sets, tmp_path: Path) -> None:
    train, held_out = vectors
    transform = fit(parse("mean@-1|whiten(3)"), train)
    transform.save(tmp_path / "t")
    arrays = load_file(tmp_path / "t")
    by_hand = (held_out - arrays["0.mean"]) @ arrays["0.directions"]
    np.testing.assert_allclose(transform.apply(held_out), by_hand, rtol=1e-5, atol=1e-6)


def test_it_replaces_an_older_file(vectors: Sets, tmp_path: Path) -> None:
    for k in (3, 4):
        fit(parse(f"mean@-1|whiten({k})"), vectors[0]).save(tmp_path / "t")
    assert Transform.load(tmp_path / "t").spec == "mean@-1|whiten(4)"


@pytest.mark.parametrize("place", ["missing/t", "file/t", "folder"])
def test_a_place_that_cannot_be_written(vectors: Sets, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match=r"cannot be written|no folder|not a regular file"):
        fit(parse("mean@-1|center"), vectors[0]).save(tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", [None, b"", b"not a model", b"\xff" * 64])
def test_no_file_of_its_kind(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    with pytest.raises(StoreError, match="cannot read the transform"):
        Transform.load(tmp_path / "t")


def test_half_a_file(vectors: Sets, tmp_path: Path) -> None:
    fit(parse("mean@-1|whiten(3)"), vectors[0]).save(tmp_path / "t")
    content = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="cannot read the transform"):
        Transform.load(tmp_path / "t")


OURS = {"format": "poolwise-transform", "readout": "mean@-1|center", "width": "4"}
MEAN = {"0.mean": np.zeros(4)}


@pytest.mark.parametrize(
    ("arrays", "metadata", "found"),
    [
        (MEAN, None, "not marked"),
        (MEAN, {"format": "pt"}, "not marked"),
        (MEAN, {"format": "poolwise-transform"}, "the metadata"),
        (MEAN, OURS | {"readout": "mean@-1|centre"}, "the metadata"),
        (MEAN, OURS | {"readout": "mean@-1", "width": "four"}, "the metadata"),
        (MEAN, OURS | {"width": "9" * 5000}, "the metadata"),
        (MEAN, OURS | {"width": "5"}, r"'0.mean': \(4,\).* has .*'0.mean': \(5,\)"),
        ({}, OURS, r"arrays \{\}"),
        (MEAN | {"1.mean": np.zeros(4)}, OURS, "1.mean"),
        (MEAN | {"mean": np.zeros(4)}, OURS, "'mean'"),
        ({"0.mean": np.zeros(4, np.float32)}, OURS, "not float64"),
        ({"0.mean": np.array([0, 0, np.nan, 0])}, OURS, "NaN or infinity in 0.mean"),
    ],
)
def test_another_safetensors_file(
    tmp_path: Path,
    arrays: dict[str, np.ndarray],
    metadata: dict[str, str] | None,
    found: str,
) -> None:
    save_file(arrays, tmp_path / "t", metadata=metadata)
    with pytest.raises(StoreError, match=f"expected a transform saved by poolwise in .*{found}"):
        Transform.load(tmp_path / "t")
    save_file(MEAN, tmp_path / "t", metadata=OURS)
    assert Transform.load(tmp_path / "t").fitted
