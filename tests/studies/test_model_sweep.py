"""Several models in one sweep: each has its turn, and all readouts compete on the same rows."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest

import poolwise
from poolwise.errors import EncoderError, OptionError, PoolwiseWarning, ReadoutError
from poolwise.studies import model_sweep
from poolwise.studies.model_sweep import CHOOSING_NOTE

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
GRID = "{cls,mean}@{2,3} mean@3|whiten(8)"


def sentences(n):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


TEXTS = sentences(120)
LABELS = TEXTS, ["cat" if "cat" in text else "none" for text in TEXTS]


@pytest.fixture(scope="module")
def folders(tiny):
    return [tiny("bert"), tiny("mpnet")]


@pytest.fixture(scope="module")
def result(folders):
    return poolwise.sweep(folders, labels=LABELS, grid=GRID)


def test_all_readouts_of_all_models_are_candidates(result, folders):
    selection = result.selections[0]
    bert, mpnet = (folder.name for folder in folders)
    assert [encoder.name for encoder in selection.encoders] == [bert, mpnet]
    assert f"mean@2 of {bert}" in selection.names
    assert f"mean@2 of {mpnet}" in selection.names
    assert selection.names[selection.reference] == f"mean@3 of {bert}"
    assert len(selection.milliseconds) == len(selection.readouts)
    assert min(selection.milliseconds) > 0
    assert [f.study for f in result.findings] == ["classification", "similarity"]
    assert all(CHOOSING_NOTE in finding.notes for finding in result.findings)


def test_each_model_scores_as_it_does_alone(result, folders):
    """The tiny models read no two of these texts alike, so that the rows are divided alike."""
    for folder in folders:
        alone = poolwise.sweep(folder, labels=LABELS, grid=GRID)
        for together, single in zip(result.selections, alone.selections, strict=True):
            encoder = next(e for e in together.encoders if e.name == folder.name)
            columns = [together.find(readout, encoder) for readout in single.readouts]
            np.testing.assert_array_equal(
                together.row_scores[:, columns], single.row_scores[:, : len(columns)]
            )


def test_baselines_of_the_texts_stand_once_and_those_of_a_word_table_by_model(result, folders):
    baselines = list(result.selections[0].baselines)
    assert baselines.count("TF-IDF + SVD") == 1
    assert [name for name in baselines if name.startswith("static word vectors of")] == [
        f"static word vectors of {folder.name}" for folder in folders
    ]


def test_no_weights_are_kept(result):
    for encoder in result.selections[0].encoders:
        assert not encoder.tensors
        assert "engines" not in encoder.shared


def test_the_answer_and_the_readout_name_the_winning_model(result, folders):
    selection = result.selections[0]
    encoder = selection.candidates[selection.chosen_index].encoder
    folder = next(folder for folder in folders if folder.name == encoder.name)
    assert result.best.provenance["model"] == encoder.name
    assert result.best.provenance["model_hash"] == poolwise.load(folder).hash
    assert [chart.kind for chart in result.answer.charts] in ([], ["table", "cost_front"])
    columns = result.scores.to_pandas()
    assert set(columns["model"].dropna()) == {folder.name for folder in folders}


def test_a_model_that_cannot_be_loaded_is_left_out_and_the_others_go_on(folders, tmp_path):
    with pytest.warns(PoolwiseWarning, match="no-such is left out"):
        swept = poolwise.sweep([folders[0], tmp_path / "no-such"], labels=LABELS, grid="mean@3")
    (encoder,) = swept.selections[0].encoders
    assert encoder.name == folders[0].name
    assert any(n.startswith("careful: ") and "no-such" in n for n in swept.findings[0].notes)


def test_the_same_model_twice_is_one(folders, tmp_path):
    copy = shutil.copytree(folders[0], tmp_path / "copy")
    with pytest.warns(
        PoolwiseWarning, match=f"copy is left out: it is the same model as .*{folders[0].name}"
    ):
        swept = poolwise.sweep([folders[0], copy], labels=LABELS, grid="mean@3")
    assert len(swept.selections[0].encoders) == 1


def test_a_later_model_without_a_readout_of_the_grid_is_left_out(tiny, folders):
    shallow = tiny("bert", num_hidden_layers=2)
    with pytest.warns(PoolwiseWarning, match="is left out: no hidden state 3"):
        swept = poolwise.sweep([folders[1], shallow], labels=LABELS, grid="mean@3")
    assert len(swept.selections[0].encoders) == 1
    with pytest.raises(ReadoutError, match="no hidden state 3"):
        poolwise.sweep([shallow, folders[1]], labels=LABELS, grid="mean@3")


def test_no_model_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="the list of models is empty"):
        poolwise.sweep([], labels=LABELS)
    with pytest.warns(PoolwiseWarning), pytest.raises(EncoderError, match="none of the 2 models"):
        poolwise.sweep([tmp_path / "a", tmp_path / "b"], labels=LABELS)


def test_lengths_and_prompts_that_differ_are_told(folders):
    models = [
        poolwise.load(folders[0], max_length=16),
        poolwise.load(folders[1]).prompted("one two"),
    ]
    swept = poolwise.sweep(models, labels=LABELS, grid="mean@3")
    notes = "\n".join(swept.findings[0].notes)
    assert "the models read texts up to different lengths, in tokens: " in notes
    assert f"{folders[0].name} none, {folders[1].name} 'one two'" in notes


def test_an_interruption_tells_what_earlier_models_scored(folders, monkeypatch):
    run_model, runs = model_sweep.run_model, []

    def interrupted(*arguments, **options):
        if runs:
            raise KeyboardInterrupt
        runs.append(run_model(*arguments, **options))
        return runs[0]

    monkeypatch.setattr(model_sweep, "run_model", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        poolwise.sweep(folders, labels=LABELS, grid=GRID)
    first, *_ = stopped.value.__notes__
    assert first.startswith(f"scored before the interruption: {folders[0]}: its best readout is ")


def test_a_readout_chosen_for_another_model_warns(result, folders):
    best = result.best
    texts = TEXTS[:4]
    for folder in folders:
        model = poolwise.load(folder)
        if model.name == best.provenance["model"]:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model.embed(texts, best)
        elif best.transform is None:
            with pytest.warns(PoolwiseWarning, match="was chosen for .* sweep it"):
                model.embed(texts, best)
