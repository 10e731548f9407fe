"""poolwise verify as a user runs it."""

from __future__ import annotations

import json

import pytest

import poolwise


@pytest.fixture
def job(tiny, tmp_path):
    """A job of 3 parts."""
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"the cat sat on {n}\n" for n in range(9)) + "\n", encoding="utf-8")
    poolwise.embed_corpus(tiny("bert"), lines, tmp_path / "out", "mean@-1", part_rows=4)
    return tmp_path / "out"


def test_a_whole_job_is_said_to_be(run, job):
    code, out, _ = run("verify", job, "--workers", 2)
    assert code == 0
    assert out == f"{job}: whole: 10 rows in all 3 parts\n"


def test_a_wrong_part_is_named_and_repaired(run, job):
    part = job / "part-00001.parquet"
    before = part.read_bytes()
    part.write_bytes(before[:-1])
    code, out, _ = run("verify", job)
    assert code == 5
    verdict, *lines = out.splitlines()
    assert verdict == f"{job}: part 1 is wrong, of 3"
    size = len(before)
    assert (
        f"  part-00001.parquet: bytes: found {size - 1:,}, expected {size:,} as its sidecar says"
        in lines
    )
    assert lines[-1] == f"  poolwise verify {job} --repair makes it again"
    code, out, _ = run("verify", job, "--repair")
    assert code == 0
    assert out == f"{job}: whole: 10 rows in all 3 parts (part 1 is made anew)\n"
    assert part.read_bytes() == before


def test_json_is_one_document_and_the_exit_code_says_the_rest(run, job):
    (job / "_SUCCESS").unlink()
    for place in (job / "part-00002.parquet", job / "__poolwise" / "part-00002.json"):
        place.unlink()
    (job / "part-00000.parquet").write_bytes(b"none")
    code, out, _ = run("verify", job, "--json")
    said = json.loads(out)
    assert code == 5
    assert not said["whole"]
    assert (said["parts"], said["all_parts"], said["missing"]) == (2, 3, [2])
    assert said["wrong_parts"] == [0]
    assert [fault["check"] for fault in said["faults"]] == ["bytes", "readable"]
    assert {fault["part"] for fault in said["faults"]} == {0}
    assert "unfinished: 1 of 3 parts missing (2)" in said["verdict"]
    code, out, _ = run("verify", job, "--repair", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["whole"], said["repaired"], said["rows"]) == (True, [0, 2], 10)


def test_what_is_no_job_is_refused(run, tmp_path):
    code, out, err = run("verify", tmp_path)
    assert (code, out) == (5, "")
    assert "holds no corpus job" in err


def test_many_faults_are_cut_and_counted(run, job, monkeypatch):
    monkeypatch.setattr("poolwise.cli.verify.SHOWN", 1)
    (job / "part-00001.parquet").write_bytes(b"")
    (job / "part-00002.parquet").write_bytes(b"")
    code, out, _ = run("verify", job)
    assert code == 5
    assert out.splitlines()[2] == "  and 3 more, all of which --json names"
