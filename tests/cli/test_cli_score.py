"""--score, and labels that are numbers or several in one field."""

import csv
import json


def labels_file(path, labels):
    with path.open("w", newline="") as file:
        rows = [(f"{'a cat' if i % 2 else 'a dog'} {i}", label) for i, label in enumerate(labels)]
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def ask(run, tiny, path, *options):
    return run("ask", "classification", tiny("bert"), "--labels", path, *options)


def test_a_score_can_be_named(run, tiny, tmp_path):
    path = labels_file(tmp_path / "classes.csv", ["dog", "cat"] * 40)
    code, stdout, _ = ask(run, tiny, path, "--score", "macro-f1", "--json")
    assert code == 0
    (finding,) = json.loads(stdout)["findings"]
    assert finding["numbers"][0]["name"] == "macro-F1 of the chosen readout"


def test_numbers_are_predicted(run, tiny, tmp_path):
    path = labels_file(tmp_path / "numbers.csv", [i % 7 / 2 for i in range(80)])
    code, stdout, _ = ask(run, tiny, path, "--json")
    assert code == 0
    (finding,) = json.loads(stdout)["findings"]
    assert finding["numbers"][0]["name"] == "R² of the chosen readout"


def test_what_is_no_score_is_named(run, tiny, tmp_path):
    path = labels_file(tmp_path / "classes.csv", ["dog", "cat"] * 40)
    code, _, stderr = ask(run, tiny, path, "--score", "F2")
    assert code != 0
    assert "score is 'F2', expected one of accuracy" in " ".join(stderr.split())


def test_several_labels_in_a_field_are_refused(run, tiny, tmp_path):
    path = labels_file(tmp_path / "sets.csv", ["joy", "love", "joy,love", "fear", "joy,fear"] * 16)
    code, _, stderr = ask(run, tiny, path)
    assert code == 7
    assert "hold ',', such as 'joy,love': several labels a text" in " ".join(stderr.split())
