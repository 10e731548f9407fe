"""--resume: refused where anything has changed that the bytes depend on, and with what has."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import pytest

import poolwise
from poolwise.errors import StoreError
from poolwise.jobs import JobOptions
from poolwise.jobs.folder import JobFolder, read_json
from poolwise.readouts import parse
from poolwise.transforms.fitted_readout import FittedReadout

CHANGES = {
    "precision": ({"precision": "fast"}, "precision was exact, is fast"),
    "dtype": ({"dtype": "float16"}, "dtype was float32, is float16"),
    "part_rows": ({"part_rows": 7}, "part_rows was 5, is 7"),
    "limit": ({"limit": 9}, "limit was null, is 9"),
    "on_bad_row": ({"on_bad_row": "skip"}, "on_bad_row was null, is skip"),
    "with_text": ({"with_text": True}, "with_text was false, is true"),
    "long": ({"long": "window"}, "long was truncate, is window"),
    "escape_special": ({"escape_special": True}, "escape_special was false, is true"),
    "column": ({"column": "other"}, "column was text, is other"),
    "id_column": ({"id_column": "n"}, "id_column was null, is n"),
    "encoding": ({"encoding": "cp1252"}, "encoding was utf-8, is cp1252"),
    "keep": ({"keep": ["n"]}, r'keep was \[\], is \["n"\]'),
    "readouts": ({"readouts": "cls@-1"}, r"readouts was .*mean@-1.*, is .*cls@-1"),
    "names": ({"readouts": {"v": "mean@-1"}}, r'readouts was .*, is \{"v": "mean@-1"\}'),
    "binary": ({"dtype": "binary"}, r"readouts was .*, is .*mean@-1\|binary"),
    "prompt": ({"prompt": "query: "}, "prompt was null, is query: "),
}
OF_THE_MODEL_AND_INPUTS = {"poolwise", "model_hash", "engine", "max_length", "steps", "fitted_on"}
"""Parts of a fingerprint that no option names; each has a test of its own below, but the version
and the engine, which are the library's."""


@pytest.fixture
def asked(tiny, tmp_path):
    """What a job of ten rows is asked; the encoder is a copy, which may be changed."""
    encoder = shutil.copytree(tiny("bert"), tmp_path / "bert")
    rows = "".join(f"{n},the cat {n},a dog {n}\n" for n in range(10))
    (tmp_path / "in.csv").write_text(f"n,text,other\n{rows}")
    return {
        "model": encoder, "inputs": str(tmp_path / "in.csv"), "output": tmp_path / "out",
        "readouts": "mean@-1", "column": "text", "part_rows": 5,
    }  # fmt: skip


def refused(asked, message: str, **changes) -> None:
    before = {path: path.read_bytes() for path in Path(asked["output"]).rglob("*.*")}
    with pytest.raises(StoreError, match=f"was begun otherwise: {message}"):
        poolwise.embed_corpus(**{**asked, **changes}, resume=True)
    assert {path: path.read_bytes() for path in Path(asked["output"]).rglob("*.*")} == before


def test_each_option_that_the_bytes_depend_on_is_compared(asked):
    poolwise.embed_corpus(**asked)
    named = set(read_json(JobFolder(asked["output"]).plan)["fingerprint"])
    assert named - {*CHANGES} == OF_THE_MODEL_AND_INPUTS
    assert {field.name for field in fields(JobOptions)} <= {*CHANGES}
    for changed, message in CHANGES.values():
        refused(asked, message, **changed)
    assert poolwise.embed_corpus(**asked, resume=True).made_rows == 0


def test_a_changed_model_is_refused(asked, tiny):
    poolwise.embed_corpus(**asked)
    shutil.copy(tiny("bert", pooler=False) / "model.safetensors", asked["model"])
    refused(asked, "model_hash was .*, is ")


def test_a_changed_maximum_length_is_refused(asked):
    poolwise.embed_corpus(**asked)
    refused(asked, "max_length was 64, is 32", model=poolwise.load(asked["model"], max_length=32))


def test_changed_inputs_are_refused(asked, tmp_path):
    poolwise.embed_corpus(**asked)
    other = shutil.copy(tmp_path / "in.csv", tmp_path / "other.csv")
    refused(
        asked,
        r"the inputs have changed: .*in\.csv is missing, .*other\.csv is new",
        inputs=str(other),
    )
    refused(asked, "the inputs have changed: .*is new", inputs=[asked["inputs"], str(other)])
    with (tmp_path / "in.csv").open("a") as file:
        file.write("10,one more,\n")
    refused(asked, r".*in\.csv has changed \(bytes was 2\d\d, is 2\d\d")


def test_fitted_steps_are_fitted_once(asked, tmp_path, monkeypatch):
    fit = tmp_path / "fit.txt"
    fit.write_text("".join(f"the {w} sat {n}\n" for w in ("cat", "dog") for n in range(20)))
    asked |= {"readouts": "mean@-1|whiten(4)", "fit": str(fit)}
    poolwise.embed_corpus(**asked)
    whole = (asked["output"] / "part-00001.parquet").read_bytes()
    (asked["output"] / "part-00001.parquet").unlink()
    monkeypatch.setattr("poolwise.model.Model.fit", lambda *_, **__: pytest.fail("fitted again"))
    assert poolwise.embed_corpus(**asked, resume=True).made_rows == 5
    assert (asked["output"] / "part-00001.parquet").read_bytes() == whole
    fit.write_text("a cat\n" * 40)
    refused(asked, "fitted_on was .*, is ")


def test_a_fit_that_no_plan_came_of_is_removed(asked, tmp_path, monkeypatch):
    fit = tmp_path / "fit.txt"
    asked |= {"readouts": "mean@-1|whiten(4)", "fit": str(fit)}
    for texts in ("the cat", "the old dog"):
        fit.write_text("".join(f"{texts} sat {n} on {n * n}\n" for n in range(20)))
        with monkeypatch.context() as patch:
            patch.setattr("poolwise.jobs.plan.Plan.publish", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                poolwise.embed_corpus(**asked)
    readouts = JobFolder(asked["output"]).readouts
    assert len([*readouts.iterdir()]) == 2
    assert poolwise.embed_corpus(**asked).complete
    assert len([*readouts.iterdir()]) == 1


def test_other_fitted_steps_are_refused(asked, tmp_path):
    model = poolwise.load(asked["model"])
    for name, texts in (("a", ["a cat", "a dog", "we saw"]), ("b", ["no", "one", "ran to"])):
        FittedReadout(
            parse("mean@-1|center"),
            model.fit(texts, "mean@-1|center"),
            {"model_hash": model.hash},
        ).save(tmp_path / f"{name}.toml")
    poolwise.embed_corpus(**{**asked, "readouts": str(tmp_path / "a.toml")})
    refused(asked, "steps was .*, is ", readouts=str(tmp_path / "b.toml"))


def test_a_job_is_not_gone_on_with_unasked(asked):
    poolwise.embed_corpus(**asked)
    with pytest.raises(StoreError, match="holds a corpus job already: --resume goes on with it"):
        poolwise.embed_corpus(**asked)
