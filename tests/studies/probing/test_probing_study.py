from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.reports.rendering import render_chart
from poolwise.selection.candidates import candidates_of
from poolwise.selection.comparisons import join_words
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.studies.probing import Probing
from poolwise.studies.probing.charts import charts
from poolwise.studies.probing.controls import LENGTH, MAJORITY, UNTRAINED, WORDS
from poolwise.studies.probing.numbers import numbers
from poolwise.studies.probing.paired_tests import compare_tasks
from poolwise.studies.probing.scores import ProbingScores
from poolwise.studies.probing.verdict import evidence, notes, verdict
from poolwise.studies.run import run_studies
from poolwise.texts import LabelledTexts

VOCABULARY = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
DEPTH = 3
POOLS = ("cls", "mean", "max")


def labelled(name, texts, labels):
    return LabelledTexts(name, texts, [str(label) for label in labels], [""] * len(texts), name)


def sentences(n, seed=0, longest=12):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(VOCABULARY, rng.integers(3, longest))) for _ in range(n)]


def scored(name, readouts, controls=None, chance=0.5, n=2000, splits=None):
    """A task of two labels with these accuracies of readouts and controls, by name; 0.5 else."""
    rng = np.random.default_rng(7)
    data = labelled(name, [f"{name} {i}" for i in range(n)], np.arange(n) % 2)
    task = LabelsTask(replace(data, splits=splits or data.splits), 0, score="accuracy")
    specs = [f"{pool}@{layer}" for pool in POOLS for layer in range(DEPTH + 1)]
    shares = dict.fromkeys([MAJORITY, LENGTH, f"{WORDS}, C=1"], 0.5)
    shares |= dict.fromkeys([f"{UNTRAINED} {spec}" for spec in specs], 0.5) | (controls or {})
    luck = rng.random(n)

    def hits(share):
        own = np.where(rng.random(n) < 0.5, rng.random(n), luck)
        return (own < share).astype(float)

    columns = [hits(readouts.get(spec, 0.5)) for spec in specs]
    columns += [hits(share) for share in shares.values()]
    encoder = SimpleNamespace(name="drawn", depth=DEPTH, width=8, declared=None)
    selection = Selection(
        candidates=candidates_of(encoder, [parse(spec) for spec in specs], None),
        task=task,
        baselines=list(shares),
        dimensions=[],
        row_scores=np.column_stack(columns),
    )
    return ProbingScores(task, selection, hits(chance), hits(0.5), None)


def everywhere(share, pools=POOLS):
    return {f"{pool}@{layer}": share for pool in pools for layer in range(DEPTH + 1)}


LOW = scored("low", {"mean@0": 0.95, "mean@1": 0.93, "cls@1": 0.7, "max@1": 0.6})
MIDDLE = scored("middle", {"mean@1": 0.9, "cls@1": 0.9, "mean@0": 0.7, "mean@3": 0.7})
HIGH = scored("high", {"mean@2": 0.75, "mean@3": 0.9, "cls@3": 0.9, "cls@2": 0.89})
FLAT = scored("flat", everywhere(0.8), {LENGTH: 0.95})
NOISE = scored("noise", {})
AT_CHANCE = "Not shown to be predicted better than by always giving the most frequent label: noise."
TASKS = [LOW, MIDDLE, HIGH, FLAT, NOISE]


def test_a_task_is_read_where_the_ends_are_worse():
    places = {result.name: result.best_depth for result in compare_tasks(TASKS)}
    assert places == {"low": "low", "middle": "middle", "high": "high", "flat": "", "noise": ""}


def test_a_task_that_an_end_keeps_most_of_is_read_there():
    near = scored("near", {"mean@1": 0.97, "mean@0": 0.85, "mean@3": 0.6})
    far = scored("far", {"mean@1": 0.97, "mean@0": 0.65})
    assert [result.best_depth for result in compare_tasks([near, far])] == ["low", "middle"]


def test_a_layer_at_chance_tells_nothing_however_bad_the_control():
    lucky = scored("lucky", {"mean@2": 0.9}, splits=["", "test"] * 1000)
    columns = lucky.selection.row_scores
    control = lucky.selection.names.index(LENGTH)
    columns[:, control] = 0
    columns[::2, control] = 1
    (result,) = compare_tasks([lucky])
    assert result.best_control.second == LENGTH
    assert list(result.layers) == [2]


def test_layers_that_tell_more_than_any_control():
    layers = {result.name: list(result.layers) for result in compare_tasks(TASKS)}
    assert layers["low"] == [0, 1]
    assert layers["middle"] == [0, 1, 3]
    assert layers["high"] == [2, 3]
    assert layers["flat"] == layers["noise"] == []


def test_the_notes_are_built_from_the_numbers():
    text = " ".join(notes(compare_tasks(TASKS)))
    assert "Predicted better than by any control: low (mean@0), middle (" in text
    assert f"Predicted better by a control: flat ({LENGTH})." in text
    assert AT_CHANCE in text
    assert "Read best low (worse at the last layer): low." in text
    assert "(worse at layer 0 and at the last): middle." in text
    assert "Read best high (worse at layer 0): high." in text
    assert "Where best, these rows do not show: flat." in text
    assert "Better than every control only: high from layer 2 on." in text
    assert "The mean predicts low better than [CLS] does." in text


def test_the_verdict_names_what_is_shown_and_what_is_not():
    assert verdict(compare_tasks(TASKS)) == (
        "A probe on the vectors predicts low, middle and high better than every control; for flat "
        "and noise this is not shown."
    )
    many = verdict(compare_tasks([*TASKS, *(scored(f"low {i}", everywhere(0.9)) for i in "ab")]))
    assert many.startswith(
        "A probe on the vectors predicts most of the tasks better than every control; for "
    )
    assert "low: mean@0 0.9" in evidence(compare_tasks(TASKS))


def test_nothing_but_noise_is_said_to_be_nothing():
    results = compare_tasks([NOISE])
    assert verdict(results) == (
        "No probe on the vectors is shown to predict noise better than the controls do."
    )
    assert AT_CHANCE in notes(results)
    assert any("No difference between the mean" in note for note in notes(results))


def test_a_probe_that_learns_any_labels_shows_nothing():
    memory = replace(MIDDLE, first_word_hits=MIDDLE.selection.row_scores[:, 5])
    (result,) = compare_tasks([memory])
    assert result.best_control.sign == 1
    assert not result.selective
    assert verdict([result]).startswith("No probe on the vectors is shown to predict middle")
    assert any("first word are predicted as well: middle" in n for n in notes([result]))


def test_shuffled_labels_that_can_be_named_are_a_warning():
    leaking = scored("leaking", {"mean@1": 0.9}, chance=0.7)
    assert verdict(compare_tasks([leaking, LOW])).startswith("Do not trust leaking:")


def test_an_untrained_encoder_that_does_as_well_is_the_control():
    task = scored("order", {"mean@1": 0.9}, {f"{UNTRAINED} cls@2": 0.9})
    (result,) = compare_tasks([task])
    assert result.best_control.second == f"{UNTRAINED} cls@2"
    assert not result.best_control.sign


def test_comparisons_are_corrected_for_the_number_of_tasks():
    faint = scored("faint", {"mean@1": 0.54})
    (alone,) = compare_tasks([faint])
    among = compare_tasks([faint, *(scored(f"noise {i}", {}, n=100) for i in range(30))])[0]
    assert alone.best_control.significant
    assert not among.best_control.significant


def test_every_number_says_of_which_task():
    all_numbers = numbers(compare_tasks(TASKS))
    assert {number.where["task"] for number in all_numbers} == {task.task.name for task in TASKS}
    (gain,) = [
        number
        for number in all_numbers
        if number.name == "gain over the best control" and number.where["task"] == "flat"
    ]
    assert gain.high < 0
    assert gain.where["less"] == LENGTH
    accuracies = [n for n in all_numbers if n.name == "accuracy"]
    beside = [n for n in accuracies if n.control or n.baseline]
    assert len(beside) == len(TASKS) * (len(POOLS) * (DEPTH + 1) + 3)
    assert {n.where["readout"] for n in beside if n.control} == {MAJORITY, LENGTH}


def test_every_chart_can_be_drawn():
    all_charts = charts(compare_tasks(TASKS))
    kinds = ["multiples", "heat", "forest", "forest", "forest"]
    assert [chart.kind for chart in all_charts] == kinds
    for chart in all_charts:
        render_chart(chart)
    multiples, heat = all_charts[0].data, all_charts[1].data
    assert len(multiples["panel"]) == len(TASKS) * len(POOLS) * (DEPTH + 1)
    assert len(multiples["bands"]["panel"]) == 3 * len(TASKS)
    assert sum(heat["best"]) == len(TASKS) - 1
    assert max(value for value in heat["value"] if value is not None) == 1
    assert heat["value"].count(None) == len(POOLS) * (DEPTH + 1)
    assert set(heat["layer"]) == {task.task.name for task in TASKS}


def test_names_in_a_row():
    assert [join_words(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def finding(model):
    texts = sentences(600, longest=20)
    lengths = np.array([len(text.split()) for text in texts])
    planted = model.embed(texts, "mean@3|standardize", fit=texts)
    hidden = planted @ np.random.default_rng(3).normal(size=planted.shape[1])
    study = Probing(
        [
            labelled("length.txt", texts, np.digitize(lengths, [7, 11, 15])),
            labelled("word.txt", texts, ["cat" in text.split() for text in texts]),
            labelled("planted.txt", texts, hidden > np.median(hidden)),
            labelled("noise.txt", texts, np.random.default_rng(4).integers(2, size=len(texts))),
        ]
    )
    ((_, finding),) = run_studies(model, [study])
    return finding


def number_of(finding, name, task):
    (number,) = [n for n in finding.numbers if n.name == name and n.where["task"] == task]
    return number


def test_lengths_and_words_are_told_by_their_controls(finding):
    assert number_of(finding, "gain over the best control", "length").where["less"] == LENGTH
    assert number_of(finding, "gain over the best control", "word").where["less"].startswith(WORDS)
    for task in ("length", "word"):
        assert number_of(finding, "gain over the best control", task).value <= 0


def test_what_was_planted_is_read_where_it_was(finding):
    chosen = number_of(finding, "accuracy of the chosen readout", "planted")
    assert chosen.where["readout"] == "mean@-1"
    assert number_of(finding, "gain over the best control", "planted").low > 0
    assert number_of(finding, "gain over layer 0", "planted").low > 0
    assert number_of(finding, "compression", "planted").value > 1.5
    assert number_of(finding, "selectivity", "planted").low > 0.2
    assert any("better than by any control: planted (mean@-1)." in note for note in finding.notes)
    assert "predicts planted better than every control" in finding.verdict
    assert "planted: mean@-1 0." in finding.evidence


def test_noise_is_at_chance_everywhere(finding):
    for name in ("gain over the most frequent label", "gain over the best control"):
        gain = number_of(finding, name, "noise")
        assert gain.low <= 0
        assert abs(gain.value) < 0.05
    assert number_of(finding, "compression", "noise").value < 1.05
    assert AT_CHANCE in finding.notes
    assert "Do not trust" not in finding.verdict


def test_a_line_of_notes_for_each_task(finding):
    for task in ("length", "word", "planted", "noise"):
        assert any(
            note.startswith(f"{task}: ") and "best control" in note for note in finding.notes
        )


def test_the_finding_says_what_it_was_made_of(finding):
    assert finding.provenance["rows"] == dict.fromkeys(("length", "word", "planted", "noise"), 600)
    assert finding.provenance["data_sha256"]["word"] == "word.txt"


def test_many_labels_have_no_code():
    results = compare_tasks([LOW])
    assert not any(number.name == "compression" for number in numbers(results))
    assert any("no online code; 2 labels" in note for note in notes(results))


def test_tasks_of_one_name_are_numbered():
    texts = sentences(200)
    same = labelled("task.txt", texts, np.arange(200) % 2)
    assert Probing([same, same]).names == ["task", "task (2)"]


def test_a_task_of_few_rows_is_named():
    with pytest.raises(StudyError, match=r"^small: 60 rows; .* give more rows"):
        Probing([labelled("small.txt", sentences(60), np.arange(60) % 2)])


def test_a_task_of_one_label_is_named():
    with pytest.raises(StudyError, match=r"^same: every text has the label 'yes'"):
        Probing([labelled("same.txt", sentences(200), ["yes"] * 200)])


def test_a_task_that_learns_one_label_only_is_named():
    labels = ["yes"] * 160 + ["no"] * 40
    splits = ["train"] * 150 + ["test"] * 50
    data = LabelledTexts("late.txt", sentences(200), labels, splits, "")
    with pytest.raises(
        StudyError, match=r"^late: the rows that a probe is trained on all have the label 'yes'"
    ):
        Probing([data])


def test_no_task_is_an_error():
    with pytest.raises(StudyError, match="no labelled texts"):
        Probing([])
