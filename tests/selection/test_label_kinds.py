import pytest

from poolwise.errors import OptionError, StudyError
from poolwise.selection.classes import checked_classes
from poolwise.selection.label_kinds import check_classes, scale_notes
from poolwise.selection.label_scores import score_named
from poolwise.selection.tasks.data_tasks import task_of_labels
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.texts import LabelledTexts
from poolwise.texts.fields import are_numbers


def labelled(labels):
    texts = [f"text {i}" for i in range(len(labels))]
    return LabelledTexts("data", texts, list(map(str, labels)), [""] * len(labels), "")


@pytest.mark.parametrize(
    "labels",
    [[0.5, 1.25, 3], ["1e3", "2.5", "-4"], [*range(3, 60)], [*range(0, 300, 7)], [1, 1.5, 2, 2.5]],
)
def test_numbers(labels):
    assert are_numbers(list(map(str, labels)))


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1],
        ["0.1", "0.9"],
        [*range(1, 6)],
        [*range(77)],
        [*range(1, 151)],
        [3, 17, 99],
        ["1.0", "2.0", "3.0"],
        ["a", "1.5", "2.5"],
        ["nan", "1.5", "2.5", "3"],
    ],
)
def test_names_of_classes(labels):
    assert not are_numbers(list(map(str, labels)))


def test_steps_of_a_scale_are_told():
    (note,) = scale_notes(["1", "2", "3", "4", "5"] * 20)
    assert note.startswith(
        "the labels 1 … 5 are taken as classes; if they are a scale, the score R2"
    )
    for labels in (["0", "1"], ["1", "2", "9"], ["a", "b", "c"], [str(i) for i in range(77)]):
        assert not list(scale_notes(labels))


@pytest.mark.parametrize("separator", [",", "; ", "|"])
def test_several_labels_in_a_field_are_refused(separator):
    labels = [separator.join(pair) for pair in ("ab", "bc", "ac", "a", "b", "c")] * 20
    with pytest.raises(StudyError, match=r"data: 60 of 120 labels hold .*: several labels a text"):
        checked_classes(labelled(labels))


def test_a_decimal_comma_is_told():
    labels = [f"{i % 10},{i // 10}" for i in range(100)]
    with pytest.raises(StudyError, match=r"If they are numbers, write them with a point"):
        checked_classes(labelled(labels))


def test_a_comma_within_the_name_of_a_class_is_none_between_labels():
    assert checked_classes(labelled(["joy", "grief, sorrow", "anger"] * 20))[1] == "grief, sorrow"


def test_the_score_says_whether_labels_are_numbers():
    scale = labelled([i % 5 + 1 for i in range(100)])
    assert isinstance(task_of_labels(scale, 0), LabelsTask)
    assert isinstance(task_of_labels(scale, 0, score="r2"), RegressionTask)
    floats = labelled([i % 9 / 2 for i in range(100)])
    assert task_of_labels(floats, 0).score == "R²"
    assert task_of_labels(floats, 0, score="spearman").scale == "correlation"
    assert task_of_labels(floats, 0, score="Accuracy").score == "accuracy"
    with pytest.raises(StudyError, match=r"R² is a score of numbers, but a label is 'a'"):
        task_of_labels(labelled(["a", "b"] * 50), 0, score="R2")


def test_what_is_no_score_is_an_error_that_names_them():
    assert score_named("MACRO-f1") == "macro-F1"
    with pytest.raises(
        OptionError, match=r"score is 'F2', expected one of accuracy, .*R² or Spear"
    ):
        score_named("F2")


def test_questions_about_classes_refuse_numbers():
    with pytest.raises(StudyError, match=r"data: the labels are numbers, such as 0.25; similarity"):
        check_classes(labelled([0.25, 1.5, 3.75] * 40), "similarity")
