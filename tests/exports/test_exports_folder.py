"""A folder is there whole or not at all, and what stood there is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from poolwise.errors import StoreError
from poolwise.exports.folder import model_folder


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def write(target, model, text, *, replace=False):
    with model_folder(target, replace=replace, never=model) as partial:
        (partial / "1_Pooling").mkdir()
        (partial / "1_Pooling" / "config.json").write_text("{}")
        if not isinstance(text, str):
            raise text
        (partial / "config.json").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_takes_its_name_when_it_is_complete(tmp_path, model):
    out = tmp_path / "out"
    with model_folder(out, replace=False, never=model) as partial:
        (partial / "config.json").write_text("new")
        assert not out.exists()
    assert (out / "config.json").read_text() == "new"
    assert names(tmp_path) == ["model", "out"]


def test_an_empty_folder_is_filled(tmp_path, model):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", model, "new")
    assert names(tmp_path / "out") == ["1_Pooling", "config.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StoreError])
def test_an_interruption_leaves_no_trace(tmp_path, model, error):
    write(tmp_path / "out", model, "old")
    for target in ("out", "other"):
        with pytest.raises(error):
            write(tmp_path / target, model, error, replace=True)
    assert names(tmp_path) == ["model", "out"]
    assert (tmp_path / "out" / "config.json").read_text() == "old"


def test_what_stood_there_goes_only_on_request(tmp_path, model):
    out = tmp_path / "out"
    write(out, model, "old")
    with pytest.raises(StoreError, match="--force"):
        write(out, model, "new")
    write(out, model, "new", replace=True)
    assert (out / "config.json").read_text() == "new"
    assert names(tmp_path) == ["model", "out"]


def test_what_stood_there_comes_back_if_the_last_step_fails(tmp_path, model, monkeypatch):
    out = tmp_path / "out"
    write(out, model, "old")
    rename = Path.rename

    def interrupted(self, target):
        if self.suffix == ".partial":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    monkeypatch.setattr("poolwise.files.folder.exchange", lambda *_: False)
    with pytest.raises(KeyboardInterrupt):
        write(out, model, "new", replace=True)
    assert (out / "config.json").read_text() == "old"
    assert names(tmp_path) == ["model", "out"]


def test_other_files_are_never_replaced(tmp_path, model):
    out = tmp_path / "out"
    write(out, model, "old")
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis\.tex.*would be lost"):
        write(out, model, "new", replace=True)
    with pytest.raises(StoreError, match="is a file"):
        write(out / "thesis.tex", model, "new", replace=True)
    with pytest.raises(StoreError, match="no folder"):
        write(tmp_path / "no" / "out", model, "new")


def test_the_model_itself_is_never_replaced(model):
    for target in (model, model.parent):
        with pytest.raises(StoreError, match="being exported"):
            write(target, model, "new", replace=True)
