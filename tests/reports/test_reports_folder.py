"""A report among what trainings keep: replaced as one, beside all else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poolwise.charts import Chart, ForestPlot, LayerCurves
from poolwise.errors import StoreError
from poolwise.records import Finding
from poolwise.reports import fill_report, resumed_folder, write_report


def write(folder: Path, verdict: str, *charts: Chart, study: str = "tuned", **how: bool) -> None:
    with resumed_folder(folder, **{"study": "tuned", "force": True, **how}) as partial:
        (folder / "runs").mkdir(exist_ok=True)
        fill_report([Finding(study, "?", verdict, charts=[*charts])], partial)


def names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def test_the_report_of_the_same_study_is_replaced_and_all_else_stays(
    layers_chart: LayerCurves, forest_chart: ForestPlot, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write(out, "The old verdict.", layers_chart, forest_chart)
    (out / "runs" / "1.json").touch()
    (out / "charts" / "mine.svg").touch()
    write(out, "The new verdict.", layers_chart)
    charts = ["charts/mine.svg", "charts/tuned-by-layer.png", "charts/tuned-by-layer.svg"]
    assert names(out) == [*charts, "findings.json", "report.html", "runs/1.json"]
    assert "The new verdict." in (out / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_without_force_only_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    write(tmp_path, "The old verdict.")
    with pytest.raises(StoreError, match="holds a report; choose another folder, or --force"):
        write(tmp_path, "The new verdict.", force=False)
    (tmp_path / "report.html").unlink()
    write(tmp_path, "The new verdict.", force=False)
    assert "The new verdict." in (tmp_path / "findings.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [None, "[1]", "{"])
def test_another_report_is_never_lost(tmp_path: Path, content: str | None) -> None:
    if content is None:
        write_report([Finding("length", "?", "!")], tmp_path)
    else:
        (tmp_path / "findings.json").write_text(content, encoding="utf-8")
    before = (tmp_path / "findings.json").read_bytes()
    with pytest.raises(StoreError, match="holds another report, which would be lost"):
        write(tmp_path, "!")
    assert (tmp_path / "findings.json").read_bytes() == before


def test_an_interruption_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    with pytest.raises(KeyboardInterrupt), resumed_folder(out, study="tuned", force=False):
        raise KeyboardInterrupt
    assert not out.parent.exists()
    write(out, "The old verdict.")
    with pytest.raises(KeyboardInterrupt), resumed_folder(out, study="tuned", force=True):
        raise KeyboardInterrupt
    assert names(out) == ["findings.json", "report.html"]
    assert json.loads((out / "findings.json").read_text("utf-8"))[0]["verdict"].startswith(
        "The old"
    )


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(StoreError, match="is a file"):
        write(tmp_path / "out", "!")
