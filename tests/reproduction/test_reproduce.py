"""Presets: marked reproduced, off, or not run because, on data made here."""

import numpy as np
import pytest

import poolwise
from poolwise.errors import EncoderError
from poolwise.readouts import parse
from poolwise.reproduction import PRESETS, reproduce
from poolwise.reproduction.finding import build_finding
from poolwise.reproduction.presets import Preset, PublishedRow
from poolwise.reproduction.scored_pairs import N_PAIRS, PARTS
from poolwise.reproduction.transfer_tasks import N_EXAMPLES

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


def sentences(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def data(tmp_path):
    """STS16 in SentEval's form, and a probing file."""
    folder = tmp_path / "STS" / "STS16-en-test"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for seed, (subset, n) in enumerate(N_PAIRS["STS16"].items()):
        sides = sentences(n, seed), sentences(n, seed + 10)
        lines = ["\t".join(pair) for pair in zip(*sides, strict=True)]
        scores = list(map(str, rng.uniform(0, 5, n).round(1)))
        lines.insert(7, "nobody has\tscored this")
        scores.insert(7, "")
        (folder / f"STS.input.{subset}.txt").write_text("\n".join(lines) + "\n")
        (folder / f"STS.gs.{subset}.txt").write_text("\n".join(scores) + "\n")
    rows = []
    for part, n in (("tr", 200), ("va", 60), ("te", 60)):
        rows += [f"{part}\t{len(s.split())}\t{s}" for s in sentences(n, len(rows))]
    (tmp_path / "sentence_length.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


def sts(model, folder, readout, aggregation):
    """By scipy alone."""
    from scipy.stats import spearmanr

    cosines, scores, sizes = [], [], []
    for subset in N_PAIRS["STS16"]:
        place = folder / "STS" / "STS16-en-test"
        gold = (place / f"STS.gs.{subset}.txt").read_text().splitlines()
        lines = (place / f"STS.input.{subset}.txt").read_text().splitlines()
        pairs = [line.split("\t") for line, score in zip(lines, gold, strict=True) if score]
        a, b = (model.embed([pair[i] for pair in pairs], f"{readout}|l2") for i in (0, 1))
        cosines.append(np.sum(a * b, axis=1))
        scores.append([float(score) for score in gold if score])
        sizes.append(len(pairs))
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
        PublishedRow("right", "mean@avg(1,-1)", {"STS16": right}, "here", aggregation=aggregation),
        PublishedRow(
            "wrong", "mean@avg(1,-1)", {"STS16": right + 1}, "here", aggregation=aggregation
        ),
        PublishedRow("elsewhere", "mean@-1", {"STS13": 50.0}, "here"),
        PublishedRow("no readout", None, {"STS16": 50.0}, "here", reason="it reads no encoder"),
        PublishedRow("no such layer", "mean@12", {"STS16": 50.0}, "here"),
    ]
    figures = list(reproduce(preset(*rows), data, lambda: model))
    assert [figure.status for figure in figures] == [
        "reproduced", "off", "not run", "not run", "not run",
    ]  # fmt: skip
    assert "off by −1.00" in str(figures[1])
    assert str(figures[2]) == f"not run because there is no STS/STS13-en-test in {data}"
    assert "it reads no encoder" in str(figures[3])
    assert "no hidden state 12" in str(figures[4])
    finding = build_finding("test", preset(*rows), figures, {"model": "tiny"})
    assert finding.verdict == (
        "5 figures: 1 reproduced within 0.05, 1 off, 0 not comparable, 3 not run."
    )


def test_other_data_than_the_figure_is_of_are_not_comparable(model, data):
    (data / "STS" / "STS16-en-test" / "STS.input.headlines.txt").rename(data / "elsewhere")
    (figure,) = reproduce(
        preset(PublishedRow("a", "mean@-1", {"STS16": 50.0}, "here")), data, lambda: model
    )
    assert figure.status == "not comparable"
    assert str(figure).endswith(
        "not comparable: 937 of 1,186 pairs; there is no STS.input.headlines.txt"
    )
    finding = build_finding("test", preset(), [figure], {})
    assert "1 not comparable" in finding.verdict


def test_a_checkpoint_that_cannot_be_loaded_is_the_reason(data):
    def load():
        raise EncoderError("no such model")

    rows = [PublishedRow("a", "mean@-1", {"STS16": 50.0}, "here")] * 2
    figures = list(reproduce(preset(*rows), data, load))
    assert {figure.reason for figure in figures} == {"no such model"}


def test_a_template_wraps_each_text(model, data):
    row = PublishedRow(
        "prompt", "token[-3]@-1", {"STS16": 0.0}, "here", template="the {} was old ."
    )
    (figure,) = reproduce(preset(row), data, lambda: model)
    assert figure.measured is not None


def test_sentence_length_is_probed_on_the_files_own_parts(model, data):
    row = PublishedRow("mean", "mean@0", {"sentence length": 0.0}, "here")
    (figure,) = reproduce(
        Preset("probing", "t", "demo", "accuracy", 1.0, [row]), data, lambda: model
    )
    assert figure.measured > 50  # six lengths
    assert figure.reason == ("200 of 99,996 sentences to train, 60 of 9,996 sentences to test")


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_name_readouts_and_places(name):
    table = PRESETS[name]
    for row in table.rows:
        assert row.source
        assert row.readout is not None or row.reason
        names = {"similarity": PARTS, "transfer": N_EXAMPLES, "tagging": {"CoNLL-2003"}}
        assert set(row.expected) <= set(names.get(table.kind, {"sentence length"}))
        if row.readout and table.kind != "tagging":
            assert str(parse(row.readout)) == row.readout


def test_sick_is_all_pairs_in_tables_of_mteb_and_those_of_test_elsewhere():
    all_pairs = {
        row.source for name in PRESETS for row in PRESETS[name].rows if "SICK-R" in row.expected
    }
    assert all_pairs == {"MTEB result files"}
    assert [sum(N_PAIRS[f"STS{year}"].values()) for year in range(12, 17)] == [
        3108, 1500, 3750, 3000, 1186,
    ]  # fmt: skip
