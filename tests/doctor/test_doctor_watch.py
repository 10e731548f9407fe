"""A server that changes after its vectors were kept is told, and what has changed is named."""

from __future__ import annotations

import json
import shutil
import socket
from types import SimpleNamespace

import numpy as np
import pytest
from faulty_server import MEAN_L2
from oracles import Setup
from prometheus_client.parser import text_string_to_metric_families

import poolwise
from poolwise.doctor.watch import Watch
from poolwise.doctor.watch_state import read_state
from poolwise.errors import EndpointError, OptionError, RefusedTextError, StoreError

URL = "http://127.0.0.1:1/v1"


@pytest.fixture(scope="module")
def watched(faulty_server, distinct, tmp_path_factory):
    """A server and the state of a watch of it, which no test may change."""
    folder = distinct("bert")
    server = faulty_server(folder, MEAN_L2)
    model, state = poolwise.load(folder), tmp_path_factory.mktemp("watch") / "state.json"
    first = poolwise.watch(model, endpoint=server.url, state=state)
    return SimpleNamespace(server=server, model=model, state=state, first=first)


def of_metrics(path):
    families = text_string_to_metric_families(path.read_text())
    samples = [sample for family in families for sample in family.samples]
    assert {(*sample.labels,) for sample in samples} == {("endpoint", "model")}
    return {sample.name.removeprefix("poolwise_doctor_"): sample.value for sample in samples}


@pytest.fixture
def program(program_source, distinct, tmp_path):
    """``program(readout, change)``: what a watch says of these vectors, after those of the mean."""
    model, path = poolwise.load(distinct("bert")), tmp_path / "state.json"
    watch = Watch(model, URL, path)
    watch.run(program_source(model), None)
    return lambda *changed: watch.run(program_source(model, *changed), read_state(path, model))


def test_the_first_run_is_a_diagnosis_and_keeps_the_vectors(watched):
    first = watched.first
    assert (first.outcome, first.identified, first.agrees) == ("first run", True, None)
    assert first.diagnosis["readout"].value == "mean@-1"
    state = json.loads(watched.state.read_bytes())
    assert state["model_hash"] == watched.model.hash
    assert state["endpoint"] == watched.server.url
    assert state["diagnosis"]["statements"]["truncation"]["value"] == "128 right"


def test_the_same_vectors_are_unchanged(watched, tmp_path):
    watched.server.fault = None
    before = watched.state.read_bytes()
    metrics = tmp_path / "doctor.prom"
    result = poolwise.watch(
        watched.model, endpoint=watched.server.url, state=watched.state, metrics=metrics
    )
    assert (result.outcome, result.changed, result.diagnosis) == ("unchanged", False, None)
    assert result.distance_max < 1e-6 < result.noise < 1e-4
    assert watched.state.read_bytes() == before
    found = of_metrics(metrics)
    assert found.pop("last_run_timestamp_seconds") > 1.7e9
    assert found.pop("request_seconds") > 0
    assert found.pop("distance_max") == result.distance_max
    assert found == {"up": 1, "unchanged": 1, "identified": 1}


@pytest.mark.parametrize(
    ("fault", "aspect", "before", "now"),
    [
        ("wrong pool", "readout", "mean@-1", "cls@-1"),
        ("missing l2", "normalisation", "l2", "none"),
        ("truncation 64", "truncation", "128 right", "64 right"),
        ("padding attended", "batch neighbours", "no effect", "change the vector"),
    ],
)
def test_a_fault_is_named(watched, tmp_path, fault, aspect, before, now):
    kept, metrics = watched.state.read_bytes(), tmp_path / "doctor.prom"
    watched.server.fault = fault
    try:
        result = poolwise.watch(
            watched.model, endpoint=watched.server.url, state=watched.state, metrics=metrics
        )
    finally:
        watched.server.fault = None
    assert result.changed
    changes = [(change.aspect, change.before, change.now) for change in result.changes]
    assert changes == [(aspect, before, now)]
    assert watched.state.read_bytes() == kept
    assert any("delete it" in note for note in result.notes)
    assert of_metrics(metrics)["unchanged"] == 0


@pytest.mark.parametrize(
    ("readout", "change", "aspect", "said"),
    [
        ("mean@-1|truncate(16)|l2", None, "dimensions", "16 dimensions, and had 32"),
        ("mean@-1|binary", None, "numbers", "their numbers are"),
        ("mean@-1|l2", lambda t, v: v.astype(np.float16), "numbers", "moved, by up to 0.0"),
    ],
)
def test_other_numbers_are_named(program, readout, change, aspect, said):
    result = program(readout, change or (lambda texts, vectors: vectors))
    assert said in result.verdict
    assert aspect in [change.aspect for change in result.changes]


def test_refused_texts_are_a_change(program):
    def refuse(texts, vectors):
        if "" in texts:
            raise RefusedTextError("input must not be empty")
        return vectors

    result = program("mean@-1|l2", refuse)
    assert result.changed
    assert "1 more texts are refused" in result.verdict
    assert ("empty text", "refused") in [(c.aspect, c.now) for c in result.changes]


def test_another_model_is_not_said_to_have_a_readout(program):
    random = np.random.default_rng(0)
    result = program("mean@-1|l2", lambda texts, vectors: random.normal(size=vectors.shape))
    (readout,) = [change for change in result.changes if change.aspect == "readout"]
    assert (readout.before, readout.now, result.identified) == ("mean@-1", None, False)
    assert readout.sentence.startswith("No readout of ")


def test_what_a_server_does_by_chance_is_its_noise(program_source, distinct, tmp_path):
    model, path, random = (
        poolwise.load(distinct("bert")),
        tmp_path / "state",
        np.random.default_rng(0),
    )

    def shake(texts, vectors):
        return vectors + random.normal(size=vectors.shape) * 1e-4

    watch = Watch(model, URL, path)
    watch.run(program_source(model, change=shake), None)
    again = watch.run(program_source(model, change=shake), read_state(path, model))
    assert (again.outcome, 1e-4 < again.distance_max < again.noise) == ("unchanged", True)
    other = watch.run(program_source(model, "cls@-1|l2", shake), read_state(path, model))
    assert [(c.aspect, c.now) for c in other.changes] == [("readout", "cls@-1")]


@pytest.mark.parametrize("texts", [3, 45])
def test_an_interrupted_run_leaves_no_state_or_the_same(program_source, distinct, tmp_path, texts):
    model, path, left = poolwise.load(distinct("bert")), tmp_path / "state.json", [texts]

    def interrupt(sent, vectors):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return vectors

    watch = Watch(model, URL, path)
    with pytest.raises(KeyboardInterrupt):
        watch.run(program_source(model, change=interrupt), None)
    assert not [*tmp_path.iterdir()]
    watch.run(program_source(model), None)
    kept, left[0] = path.read_bytes(), texts
    with pytest.raises(KeyboardInterrupt):
        watch.run(program_source(model, "cls@-1", interrupt), read_state(path, model))
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == kept


def test_no_server(tiny, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://user:secret-word@127.0.0.1:{taken.getsockname()[1]}/v1"
    metrics = tmp_path / "doctor.prom"
    with pytest.raises(EndpointError):
        poolwise.watch(tiny("bert"), endpoint=url, state=tmp_path / "s", metrics=metrics)
    assert [*tmp_path.iterdir()] == [metrics]
    assert {*of_metrics(metrics)} == {"up", "last_run_timestamp_seconds"}
    assert of_metrics(metrics)["up"] == 0
    assert "secret" not in metrics.read_text()


def _without(name):
    return lambda state: json.dumps({k: v for k, v in state.items() if k != name})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: json.dumps(state)[:-30], "it is no JSON"),
        (lambda state: "[1]", "it has no poolwise_doctor_watch"),
        (_without("texts"), "it has no 'texts'"),
        (lambda state: json.dumps(state | {"poolwise_doctor_watch": 2}), "format 2, expected 1"),
        (lambda state: json.dumps(state | {"vectors": state["vectors"][:-8]}), "is damaged"),
        (lambda state: json.dumps(state | {"vectors": 1}), "is damaged"),
        (lambda state: json.dumps(state | {"drift": {}}), "is damaged"),
        (lambda state: json.dumps(state | {"diagnosis": []}), "is damaged"),
    ],
)
def test_a_damaged_state_is_told(watched, tmp_path, damage, message):
    path = tmp_path / "state.json"
    path.write_text(damage(json.loads(watched.state.read_bytes())))
    with pytest.raises(StoreError, match=message):
        poolwise.watch(watched.model, endpoint=URL, state=path)


def test_the_state_of_another_model_is_told(watched, distinct, tmp_path):
    path = shutil.copy(watched.state, tmp_path)
    with pytest.raises(StoreError, match=r"is of the model .* give each model a state of its own"):
        poolwise.watch(distinct("bert", seed=1), endpoint=URL, state=path)


def test_metrics_that_nothing_reads_are_refused(watched, tmp_path):
    with pytest.raises(OptionError, match=r"ends in \.prom"):
        poolwise.watch(watched.model, endpoint=URL, state=watched.state, metrics=tmp_path / "m.txt")


def test_another_server_is_compared_and_told(watched, faulty_server, distinct):
    other = faulty_server(distinct("bert"), Setup(pool="cls", steps=("l2",)))
    result = poolwise.watch(watched.model, endpoint=other.url, state=watched.state)
    assert [change.now for change in result.changes] == ["cls@-1"]
    assert any("was written of another server" in note for note in result.notes)
