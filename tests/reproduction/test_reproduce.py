"""Presets: marked reproduced, off, or not run because, on data made here."""

import numpy as np
import pytest

import poolwise
from poolwise.errors import EncoderError
from poolwise.readouts import parse
from poolwise.reproduction import PRESETS, reproduce
from poolwise.reproduction.data_paths import DATA_PATHS
from poolwise.reproduction.finding import build_finding
from poolwise.reproduction.presets import Preset, PublishedRow

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


def sentences(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def data(tmp_path):
    """STS12 in SemEval's form, two subsets, and a probing file."""
    folder = tmp_path / "STS12"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for seed, subset in enumerate(("MSRpar", "OnWN")):
        sides = sentences(60, seed), sentences(60, seed + 10)
        lines = ["\t".join(pair) for pair in zip(*sides, strict=True)]
        (folder / f"STS.input.{subset}.txt").write_text("\n".join(lines) + "\n")
        scores = rng.uniform(0, 5, 60).round(1).tolist()
        (folder / f"STS.gs.{subset}.txt").write_text("\n".join(map(str, scores)) + "\n")
    rows = []
    for part, n in (("tr", 200), ("va", 60), ("te", 60)):
        rows += [f"{part}\t{len(s.split())}\t{s}" for s in sentences(n, hash(part) % 97)]
    (tmp_path / "sentence_length.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


def sts(model, folder, readout, aggregation):
    """By scipy alone."""
    from scipy.stats import spearmanr

    cosines, scores, sizes = [], [], []
    for subset in ("MSRpar", "OnWN"):
        lines = (folder / "STS12" / f"STS.input.{subset}.txt").read_text().splitlines()
        gold = list(map(float, (folder / "STS12" / f"STS.gs.{subset}.txt").read_text().split()))
        a, b = (
            model.embed([line.split("\t")[i] for line in lines], f"{readout}|l2") for i in (0, 1)
        )
        cosines.append(np.sum(a * b, axis=1))
        scores.append(gold)
        sizes.append(len(gold))
    if aggregation == "all":
        return 100 * spearmanr(np.concatenate(cosines), np.concatenate(scores)).statistic
    each = [spearmanr(c, s).statistic for c, s in zip(cosines, scores, strict=True)]
    return 100 * np.average(each, weights=sizes)


def preset(*rows):
    return Preset("similarity", "test", "demo", "Spearman x 100", 0.05, rows)


@pytest.mark.parametrize("aggregation", ["all", "wmean"])
def test_a_right_figure_is_reproduced_and_a_wrong_one_is_off(model, data, aggregation):
    right = round(sts(model, data, "mean@avg(1,-1)", aggregation), 2)
    rows = [
        PublishedRow("right", "mean@avg(1,-1)", {"STS12": right}, "here", aggregation=aggregation),
        PublishedRow(
            "wrong", "mean@avg(1,-1)", {"STS12": right + 1}, "here", aggregation=aggregation
        ),
        PublishedRow("elsewhere", "mean@-1", {"STS13": 50.0}, "here"),
        PublishedRow("no readout", None, {"STS12": 50.0}, "here", reason="it reads no encoder"),
        PublishedRow("no such layer", "mean@12", {"STS12": 50.0}, "here"),
    ]
    figures = list(reproduce(preset(*rows), data, lambda: model))
    assert [figure.status for figure in figures] == [
        "reproduced", "off", "not run", "not run", "not run",
    ]  # fmt: skip
    assert "off by −1.00" in str(figures[1])
    assert "there is no STS13" in str(figures[2])
    assert "it reads no encoder" in str(figures[3])
    assert "no hidden state 12" in str(figures[4])
    finding = build_finding("test", preset(*rows), figures, {"model": "tiny"})
    assert finding.verdict == (
        "Of 5 figures 1 are reproduced within 0.05, 1 are off, 3 were not run."
    )


def test_a_checkpoint_that_cannot_be_loaded_is_the_reason(data):
    def load():
        raise EncoderError("no such model")

    rows = [PublishedRow("a", "mean@-1", {"STS12": 50.0}, "here")] * 2
    figures = list(reproduce(preset(*rows), data, load))
    assert {figure.reason for figure in figures} == {"no such model"}


def test_a_template_wraps_each_text(model, data):
    row = PublishedRow(
        "prompt", "token[-3]@-1", {"STS12": 0.0}, "here", template="the {} was old ."
    )
    (figure,) = reproduce(preset(row), data, lambda: model)
    assert figure.measured is not None


def test_sentence_length_is_probed_on_the_files_own_parts(model, data):
    row = PublishedRow("mean", "mean@0", {"sentence length": 0.0}, "here")
    (figure,) = reproduce(
        Preset("probing", "t", "demo", "accuracy", 1.0, [row]), data, lambda: model
    )
    assert figure.measured > 50  # six lengths


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_name_readouts_and_places(name):
    table = PRESETS[name]
    for row in table.rows:
        assert row.source
        assert row.readout is not None or row.reason
        assert set(row.expected) <= set(DATA_PATHS)
        if row.readout and table.kind != "tagging":
            assert str(parse(row.readout)) == row.readout
