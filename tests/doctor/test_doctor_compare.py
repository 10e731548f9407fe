"""Two servers that make the same vectors are told from two that do not, and by what."""

from __future__ import annotations

import numpy as np
import pytest
from faulty_server import MEAN_L2
from oracles import Setup

import poolwise
from poolwise.doctor.comparison import compare_sources
from poolwise.errors import EndpointError


@pytest.fixture(scope="module")
def model(distinct):
    return poolwise.load(distinct("bert"))


@pytest.fixture
def compare(model, program_source):
    """``compare(readout, change)``: that program beside one of ``mean@-1|l2``."""
    right = program_source(model)
    return lambda *other: compare_sources(model, (right, program_source(model, *other)))


def test_two_servers_of_one_readout_make_the_same(live_server, faulty_server, distinct):
    folder = distinct("bert")
    ours = live_server(folder, "-r", "mean@-1|l2")
    theirs = faulty_server(folder, MEAN_L2).url
    result = poolwise.compare_endpoints(folder, ours, theirs)
    assert (result.relation, result.same, result.diagnoses) == ("the same", True, None)
    assert result.largest < 1e-5
    assert {kind.kind: kind.apart for kind in result.differences}["long"] == 0


def test_two_readouts_are_named_side_by_side(faulty_server, distinct):
    folder = distinct("bert")
    one = faulty_server(folder, MEAN_L2)
    other = faulty_server(folder, Setup(pool="cls", length=64, steps=("l2",)))
    other.fault = "padding attended"
    result = poolwise.compare_endpoints(folder, one.url, other.url)
    assert (result.relation, result.same) == ("different", False)
    assert f"those of {result.endpoints[1]} depend on other texts" in result.verdict
    assert {(each.aspect, each.one, each.other) for each in result.contrasts} == {
        ("readout", "mean@-1", "cls@-1"),
        ("truncation", "128 right", "64 right"),
        ("batch neighbours", "no effect", "change the vector"),
    }
    assert all(kind.apart == kind.texts for kind in result.differences if kind.kind != "empty")
    # Each text went out once alone, six once more and once beside others: nothing for diagnoses.
    assert sum(one.requests) == sum(other.requests) == result.texts + 6 + 12


def test_other_lengths_are_told_from_other_directions(compare):
    result = compare("mean@-1")
    assert (result.relation, result.same) == ("up to length", False)
    assert "cosines stay the same" in result.verdict
    assert [(each.aspect, each.other) for each in result.contrasts] == [("normalisation", "none")]


@pytest.mark.parametrize("kind", [np.float16, "bfloat16"])
def test_precision_is_not_another_readout(compare, kind):
    def rounded(texts, vectors):
        if kind == "bfloat16":
            return (vectors.view(np.uint32) + 0x8000 & 0xFFFF0000).view(np.float32)
        return vectors.astype(kind)

    result = compare("mean@-1|l2", rounded)
    assert (result.relation, result.same) == ("up to precision", True)
    assert 1e-5 < result.largest < 1e-2
    assert {each.aspect for each in result.contrasts} <= {"numbers", "arithmetic"}


def test_a_fault_of_few_texts_is_no_precision(compare):
    def slightly_off(texts, vectors):
        return vectors + 0.001 * (texts[0] != texts[0].lower())

    result = compare("mean@-1|l2", slightly_off)
    assert result.relation == "different"
    assert {kind.kind: kind.apart > 0 for kind in result.differences}["cased"]


def test_dimensions_that_differ(compare):
    result = compare("mean@-1|truncate(16)|l2")
    assert result.relation == "different"
    assert result.verdict.endswith("make different vectors: 32 dimensions and 16.")
    assert ("dimensions", "32", "16") in [(c.aspect, c.one, c.other) for c in result.contrasts]


def test_one_of_another_model(compare, distinct):
    stranger = poolwise.load(distinct("bert", seed=1))
    result = compare("mean@-1|l2", lambda texts, vectors: stranger.embed(list(texts), "mean@-1"))
    assert [each.identified for each in result.diagnoses] == [True, False]
    (readout,) = [each for each in result.contrasts if each.aspect == "readout"]
    assert (readout.one, readout.other) == ("mean@-1", None)


def test_a_server_that_is_down(faulty_server, distinct):
    folder = distinct("bert")
    server = faulty_server(folder, MEAN_L2)
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:1/"):
        poolwise.compare_endpoints(folder, server.url, "http://127.0.0.1:1/v1")
    server.key = "right"
    with pytest.raises(EndpointError, match="401"):
        poolwise.compare_endpoints(folder, server.url, server.url, keys=("right", "wrong"))
