"""A new study is one module and one line of the registry: it is asked, listed and reported."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

import poolwise
from poolwise.records import Finding, Number
from poolwise.studies.registry import QUESTIONS, Question, study_class
from poolwise.studies.study import Context, VectorRequest

WORDS = "How many words have the texts?"
NORMS = "How long are their vectors?"


class WordCount:
    """A study that needs no vectors."""

    name = "words"
    question = WORDS
    takes = ("texts",)

    def __init__(self, data, seed=0):
        self.data, self.seed = [data], seed

    def run(self, context: Context) -> Iterator[Finding]:
        counts = [len(sentence.text.split()) for sentence in self.data[0]]
        number = Number("mean words", float(np.mean(counts)))
        yield Finding(self.name, self.question, f"{number.value:g} words.", [number])


class VectorNorms:
    """A study that shares the pass."""

    name = "norms"
    question = NORMS
    takes = ("labels",)

    def __init__(self, data, seed=0):
        self.data, self.seed = [data], seed

    def request(self, model):
        return VectorRequest(self.data[0].texts, [poolwise.parse("mean@-1")])

    def run(self, context: Context) -> Iterator[Finding]:
        rows = context.vectors.rows(self.data[0].texts)
        norms = np.linalg.norm(context.vectors["mean@-1"][rows], axis=1)
        number = Number("mean norm", float(norms.mean()))
        yield Finding(self.name, self.question, f"{number.value:.3f}.", [number])


@pytest.fixture
def toys(monkeypatch):
    """The module, and a line of the registry for each of its studies."""
    module = ModuleType("toy_studies")
    module.WordCount, module.VectorNorms = WordCount, VectorNorms
    monkeypatch.setitem(sys.modules, "toy_studies", module)
    rows = {
        "words": Question(WORDS, ("texts",), "toy_studies:WordCount", sweep={}),
        "norms": Question(NORMS, ("labels",), "toy_studies:VectorNorms", sweep={}),
    }
    for name, row in rows.items():
        monkeypatch.setitem(QUESTIONS, name, row)
    for name in [name for name in sys.modules if name == "poolwise.cli.ask"]:
        monkeypatch.delitem(sys.modules, name)  # its choices and help are read from the registry


def invoke(*args):
    from poolwise.cli.ask import command

    result = CliRunner().invoke(command, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_toy_study_is_asked_on_the_command_line_and_in_python(toys, tiny, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("a cat\nthe cat sat on a mat\n")
    assert study_class("words") is WordCount
    help_text = " ".join(invoke("--help").split())
    assert f"words {WORDS} (--texts)" in help_text
    answer = json.loads(invoke("words", tiny("bert"), "--texts", texts, "--json"))
    assert answer["verdict"] == "4 words."
    assert answer["findings"][0]["made"]["model_hash"] == poolwise.load(tiny("bert")).hash
    assert poolwise.ask("words", tiny("bert"), texts=["a cat", "a dog sat"]).verdict == "2.5 words."


def test_a_toy_study_shares_the_pass_of_a_sweep(toys, tiny, monkeypatch):
    model = poolwise.load(tiny("bert"))
    texts = [f"{animal} sat on the {place}" for animal in ("cat", "dog") for place in "ab"] * 20
    texts = [f"{text} {i}" for i, text in enumerate(texts)]
    labels = ["cat" if text.startswith("cat") else "dog" for text in texts]
    passes = []
    extract = type(model).extract
    monkeypatch.setattr(
        type(model), "extract", lambda *args, **kw: passes.append(args[2]) or extract(*args, **kw)
    )
    result = poolwise.sweep(model, labels=(texts, labels), grid="mean@-1 cls@-1")
    norms = np.linalg.norm(model.embed(texts, "mean@-1"), axis=1).mean()
    assert result.findings[-1].question == NORMS
    assert result.findings[-1].numbers[0].value == pytest.approx(norms, rel=1e-5)
    # What measures the speed, and this test's own pass, read one readout.
    shared = [
        readouts for readouts in passes if len(readouts) > 1 and not isinstance(readouts, str)
    ]
    names = [finding.study for finding in result.findings]
    assert {"classification", "similarity", "norms"} <= set(names)
    assert len(shared) == 1
