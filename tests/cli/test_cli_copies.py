"""Near-copies in a user's files: kept together, counted and told."""

import csv
import json

import numpy as np

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [*dict.fromkeys(" ".join(rng.choice(WORDS, 7)) for _ in range(2 * n))][:n]


def write(path, texts, labels):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return path


def test_random_labels_of_near_copies_are_not_told(run, tiny, tmp_path):
    made = [(t, k) for t in sentences(60) for k in range(5)]
    texts = [text.replace(" ", "\u200b" * k + " ") for text, k in made]
    labels = np.repeat(np.random.default_rng(0).choice(["yes", "no"], 60), 5)
    data = write(tmp_path / "copies.csv", texts, labels)
    code, out, _ = run("ask", "classification", tiny("bert"), "--labels", data, "--json")
    assert code == 0
    (found,) = json.loads(out)["findings"]
    chosen = next(n for n in found["numbers"] if n["name"] == "accuracy of the chosen readout")
    assert chosen["low"] <= 0.5 <= chosen["high"]
    assert any("300 of 300 rows hold a text that other rows hold too" in n for n in found["notes"])
    assert any("rows that share a text stay together" in note for note in found["notes"])


def test_a_test_file_of_upper_case_copies_is_found_out(run, tiny, tmp_path):
    texts = sentences(100)
    labels = ["cat" if "cat" in text else "none" for text in texts]
    train = write(tmp_path / "train.csv", texts, labels)
    test = write(tmp_path / "test.csv", [t.upper() for t in texts[:40]], labels[:40])
    code, out, _ = run("ask", "layers", tiny("bert"), "--labels", train, "--test", test, "--json")
    assert code == 0
    (found,) = json.loads(out)["findings"]
    said = " ".join(found["notes"])
    assert "chosen on 100 rows, reported on the 40 that the data call test" in said
    assert "40 rows of test hold a text that also stands among the rows chosen on" in said
