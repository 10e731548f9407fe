"""poolwise.sweep: the same findings from every container, and a result that shows itself."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.cli import main
from poolwise.errors import OptionError, StoreError, StudyError, TextError
from poolwise.reports import to_json
from poolwise.selection.choice import Choice
from poolwise.studies import sweep as studies_of_a_sweep
from poolwise.studies.answer import leading_selection

GRID = "{cls,mean}@{2,3} mean@3|whiten(8)"


def frame(texts, labels):
    return pd.DataFrame({"text": texts, "label": labels})


def dataset(texts, labels):
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_dict({"text": texts, "label": labels})


CONTAINERS = {
    "a frame": frame,
    "a dataset": dataset,
    "two lists": lambda texts, labels: (texts, labels),
    "rows": lambda texts, labels: list(zip(texts, labels, strict=True)),
    "a dict": lambda texts, labels: {"text": texts, "label": labels},
}


def plain(findings, name="labels"):
    """As JSON, without the date and the name of the data."""
    items = [to_json(finding) for finding in findings]
    for item in items:
        del item["made"]["date"]
    return json.loads(json.dumps(items).replace(name, "labels"))


@pytest.mark.parametrize("container", CONTAINERS)
def test_findings_are_the_same_from_every_container(container, model, rows, result):
    other = poolwise.sweep(model, labels=CONTAINERS[container](*rows), grid=GRID)
    assert plain(other.findings) == plain(result.findings, "labels.csv")
    assert other.best.readout == result.best.readout
    assert len(other.findings) == len({finding.study for finding in other.findings}) > 3


def test_the_winner_embeds_as_its_selection_did(model, rows):
    swept = poolwise.sweep(model, labels=rows, grid=GRID)
    selection = leading_selection(swept.selections)
    index = selection.find("mean@3|whiten(8)")
    selection.__dict__["chosen"] = Choice(selection, [index])  # as if it were the best
    best = swept.best
    assert best.readout.needs_fit
    texts, _ = rows
    pooled = model.embed(texts, best.readout.pooled)
    positions = selection.cache.rows(texts)
    np.testing.assert_array_equal(pooled, selection.cache[str(best.readout.pooled)][positions])
    refitted = model.embed(texts, best.readout, fit=list(selection.task.fit_texts))
    np.testing.assert_array_equal(model.embed(texts, best), refitted)


def test_the_winner_is_saved_and_loaded(model, rows, result, tmp_path):
    result.best.save(tmp_path / "readout.toml")
    vectors = model.embed(rows[0], result.best)
    np.testing.assert_array_equal(model.embed(rows[0], tmp_path / "readout.toml"), vectors)


def test_a_report_is_that_of_the_command(tiny, result, labels_file, tmp_path, monkeypatch):
    folder, command = tmp_path / "report", tmp_path / "command"
    page = result.report(folder)
    arguments = f"sweep {tiny('bert')} --labels {labels_file} -o {command} --grid".split()
    monkeypatch.setattr("sys.argv", ["poolwise", *arguments, GRID])
    main()
    assert page == folder / "report.html"
    files = {path.relative_to(folder) for path in folder.rglob("*")}
    assert files == {path.relative_to(command) for path in command.rglob("*")}
    written, expected = (json.loads((f / "findings.json").read_text()) for f in (folder, command))
    assert len(written) == len(expected)
    date = re.compile(r"\d{4}-\d\d-\d\dT[\d:+]+")
    assert date.sub("", json.dumps(written)) == date.sub("", json.dumps(expected))
    assert result.scores.equals(pq.read_table(command / "scores.parquet"))
    assert result.scores.equals(pq.read_table(folder / "scores.parquet"))
    with pytest.raises(StoreError, match="is not empty"):
        result.report(folder)


def test_scores_have_a_row_a_candidate(result):
    table = result.scores.to_pandas()
    for selection in result.selections:
        rows = table[table["score"] == selection.task.score]
        assert list(rows["readout"]) == selection.names
        assert rows["value"].tolist() == [estimate.value for estimate in selection.scores]
    assert len(table) == sum(len(selection.names) for selection in result.selections)
    assert set(table["part"]) == {"all rows"}
    assert set(table[table["chosen"]]["readout"]) >= {str(result.best.readout)}


def test_a_result_shows_its_choice_its_scores_and_its_findings(result):
    chosen = str(result.best.readout)
    selection = leading_selection(result.selections)
    assert repr(result).startswith(f"<SweepResult: {chosen}, {selection.task.score} 0.")
    answer = result.answer
    assert str(result).startswith(f"{answer.recommendation}\nWhy: {answer.reason}\nCost: ")
    assert f"\nNext: {answer.command}\n" in str(result)
    assert all(finding.verdict in str(result) for finding in result.findings)
    html = result._repr_html_()
    assert html.index(f"<mark>{chosen}</mark>") < html.index("<details>")
    assert html.count("<details>") == html.count("</details>") == len(result.findings)
    assert html.count("The best readouts on ") == len(result.selections)
    assert "<script" not in html
    assert "https://" not in html


def test_the_answer_is_one_sentence_with_what_it_costs_and_what_to_run_next(result, model):
    answer = result.answer
    assert len(answer.recommendation.split()) <= 25
    assert answer.recommendation.endswith(".")
    assert "[" in answer.reason
    assert "32 dimensions" in answer.cost
    assert "texts a second measured on this machine" in answer.cost
    assert shlex.split(answer.command)[:3] == ["poolwise", "embed", str(model.folder)]
    named = result.answer_with(Path("a folder/readout.toml"))
    assert shlex.split(named.command)[-2:] == ["--readout", "a folder/readout.toml"]


def test_every_chart_is_a_vega_lite_bundle(result):
    charts = [view for view in result.charts if view.spec]
    assert charts
    for view in charts:
        bundle = view._repr_mimebundle_(include=None, exclude=None)
        (mime,) = set(bundle) - {"text/plain"}
        assert mime.startswith("application/vnd.vegalite.v")
        assert bundle["text/plain"] == repr(view) == f"<chart: {view.chart.title}>"
        assert json.loads(json.dumps(bundle[mime])) == view.spec


def test_texts_alone_choose_nothing(model, rows):
    result = poolwise.sweep(model, texts=rows[0])
    assert "no readout chosen" in repr(result)
    assert "no readout chosen" in result._repr_html_()
    assert result.scores.num_rows == 0
    with pytest.raises(StudyError, match="give pairs, labels or queries"):
        _ = result.best


def test_an_interruption_carries_what_was_answered(model, rows, monkeypatch):
    run_studies = studies_of_a_sweep.run_studies

    def interrupted(*args, **options):
        yield next(run_studies(*args, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(studies_of_a_sweep, "run_studies", interrupted)
    with pytest.raises(KeyboardInterrupt) as interruption:
        poolwise.sweep(model, labels=rows, grid="cls@3 mean@3")
    (note,) = interruption.value.__notes__
    assert note.startswith("answered before the interruption: ")
    assert note.endswith("Keep mean@3: no readout is shown to be better.")


def test_mistakes_are_named(model, rows, labels_file):
    with pytest.raises(StudyError, match="nothing to measure on: give data, pairs, labels"):
        poolwise.sweep(model)
    with pytest.raises(OptionError, match=r"unknown option limt; .* limit, dev, test"):
        poolwise.sweep(model, labels=rows, limt=3)
    with pytest.raises(OptionError, match="dev and test belong to one set of data; there are 2"):
        poolwise.sweep(model, labels=[labels_file, labels_file], dev=labels_file)
    with pytest.raises(TextError, match=r"missing\.csv"):
        poolwise.sweep(model, labels="missing.csv")
