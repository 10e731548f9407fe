"""Each planted fault of a server is named, and beside it the readout; without one nothing is."""

from __future__ import annotations

import pytest
import torch
from faulty_server import FAULTS, FaultyServer
from oracles import Setup

import poolwise
from poolwise.doctor.remedies import remedies
from poolwise.doctor.wording import runner_up_text

DENSE = ("bert", "mean", ("Dense", 32, "Tanh"), "Normalize"), Setup(steps=("dense", "l2"))
LAST = ("bert", "lasttoken", "Normalize"), Setup(pool="sep", steps=("l2",))
CASED = ("roberta", "mean", "Normalize"), Setup(steps=("l2",))
MEAN = "mean@-1|dense|l2"

# The server's folder and Setup; the statements that disagree, by aspect; the readout that is found.
NAMED = {
    "wrong pool": (DENSE, {"readout": "cls@-1"}, "cls@-1|dense|l2"),
    "wrong layer": (DENSE, {"readout": "mean@2"}, "mean@2|dense|l2"),
    "missing l2": (DENSE, {"normalisation": "none"}, "mean@-1|dense"),
    "truncation 64": (DENSE, {"truncation": "64 right"}, MEAN),
    "lower-casing off": (
        DENSE,
        {"casing": "the tokenizer's lower-casing switched off"},
        MEAN,
    ),
    "dense skipped": (DENSE, {"after pooling": "nothing"}, "mean@-1|l2"),
    "dense twice": (DENSE, {"after pooling": "dense twice"}, None),
    "pooled twice": (DENSE, {"after pooling": "pooler, dense"}, None),
    "last token unclosed": (LAST, {"special tokens": "no closing token"}, "sep@-1|l2"),
    "no special tokens": (DENSE, {"special tokens": "none"}, MEAN),
    "prompt added": (DENSE, {"prompt": "query: "}, MEAN),
    "half": (DENSE, {"arithmetic": "float16"}, MEAN),
    "padding pooled": (DENSE, {"batch neighbours": "change the vector"}, MEAN),
    "padding attended": (DENSE, {"batch neighbours": "change the vector"}, MEAN),
    "dropout": (DENSE, {"repetition": "another each time"}, MEAN),
    "texts swapped": (DENSE, {"order": "swapped"}, MEAN),
    "cached lower-cased": (CASED, {"cache": "lower-cased texts"}, "mean@-1|l2"),
}


@pytest.fixture
def server_of(faulty_server, sentence_folder):
    """``server_of(DENSE)``: a server without a fault, and the folder that declares what it does."""

    def start(right: tuple[tuple[object, ...], Setup]) -> FaultyServer:
        modules, setup = right
        return faulty_server(sentence_folder(*modules), setup)

    return start


def disagreeing(diagnosis: poolwise.Diagnosis) -> dict[str, str]:
    return {said.aspect: said.value for said in diagnosis.differences}


def test_every_fault_is_here():
    assert NAMED.keys() == FAULTS.keys()
    for name, ((modules, setup), _, _) in NAMED.items():
        assert FAULTS[name].shows(setup, modules[0])


@pytest.mark.parametrize("fault", NAMED)
def test_a_fault_is_named_and_nothing_else(fault, server_of):
    right, wrong, readout = NAMED[fault]
    server = server_of(right)
    server.fault = fault
    torch.manual_seed(0)  # of dropout
    diagnosis = poolwise.diagnose(server.encoder.folder, endpoint=server.url)
    assert disagreeing(diagnosis) == wrong
    assert diagnosis.agrees is False
    assert diagnosis.identified
    assert diagnosis.readout == readout
    assert ", ".join(wrong) in diagnosis.verdict
    assert [remedy.aspect for remedy in remedies(diagnosis.differences)] == list(wrong)


@pytest.mark.parametrize(
    "right", [DENSE, LAST, CASED], ids=lambda right: "-".join(map(str, right[0]))
)
def test_a_server_without_a_fault_agrees(right, server_of):
    server = server_of(right)
    diagnosis = poolwise.diagnose(server.encoder.folder, endpoint=server.url)
    assert disagreeing(diagnosis) == {}
    assert diagnosis.agrees is True
    assert diagnosis.readout == diagnosis.declared


def test_our_own_server_agrees(live_server, sentence_folder):
    folder = sentence_folder(*DENSE[0])
    diagnosis = poolwise.diagnose(folder, endpoint=f"{live_server(folder)}/v1", api="openai")
    assert disagreeing(diagnosis) == {}
    assert diagnosis.readout == diagnosis.declared == MEAN


@pytest.mark.parametrize(("most", "pairs"), [(7, 3), (3, 1), (1, 0)])
def test_fewer_texts_at_once_where_a_server_takes_no_more(most, pairs, server_of):
    server = server_of(DENSE)
    server.fault, server.max_inputs = "texts swapped", most
    try:
        diagnosis = poolwise.diagnose(server.encoder.folder, endpoint=server.url)
    finally:
        server.max_inputs = 2048
    assert max(server.requests) == max(2 * pairs, 1)
    assert disagreeing(diagnosis) == ({"order": "swapped"} if pairs else {})
    beside = [said for said in diagnosis.statements if said.aspect == "batch neighbours"]
    assert [said.texts for said in beside] == ([pairs] if pairs else [])


def test_the_next_length_is_written_as_the_found_one_is(server_of):
    server = server_of(DENSE)
    server.fault = "truncation 64"
    said = poolwise.diagnose(server.encoder.folder, endpoint=server.url)["truncation"]
    assert runner_up_text(said) in {
        f"{length} tokens, cut on the {side}" for length in (63, 65) for side in ("right", "left")
    }
