"""What the native engine promises beyond parity: the same bits, the plan obeyed, no crash."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import poolwise
from poolwise.encoders import FAMILIES
from poolwise.engines import native_engine as native
from poolwise.engines import open_engine, opening, pack, plan
from poolwise.engines.native_engine import NativeEngine, has_precision, levels, positions
from poolwise.engines.native_weights.disentangled import distance_rows
from poolwise.engines.native_weights.families import FAMILIES as NATIVE_FAMILIES
from poolwise.errors import PoolwiseWarning
from poolwise.readouts import parse

pytestmark = pytest.mark.skipif(not levels(), reason="the native engine does not run here")

words = st.sampled_from("the a cat dog sat ran on over mat hill sea and old blue".split())
texts = st.lists(words, max_size=50).map(" ".join)
READOUTS = ["cls@-1", "mean@-1", "max@1", "sep@2", "wmean@avg(0,-1)", "max@avg(1,2)", "pooler"]
PRECISIONS = [p for p in ("exact", "near", "fast") if levels() and has_precision(levels()[0], p)]


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


def vectors(encoder, engine, texts, readouts=READOUTS):
    (batch,) = poolwise.extract(encoder, texts, readouts, engine=engine)
    return batch.vectors


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("name", "level", "examples"),
    [
        *((name, level, 12) for name in ("demo", *NATIVE_FAMILIES) for level in levels()[:1]),
        *((n, level, 20) for n in ("bert", "modernbert", "deberta-v2") for level in levels()[1:]),
    ],
)
def test_a_text_has_the_same_bits_in_any_batch(name, level, examples, precision, tiny):
    encoder = poolwise.load(name if name == "demo" else tiny(name))
    engines = [NativeEngine(encoder, precision, level=level, streams=n) for n in (1, 2)]
    readouts = READOUTS if encoder.has_pooler else READOUTS[:-1]

    @settings(max_examples=examples, deadline=None)
    @given(text=texts, neighbours=st.lists(texts, max_size=40), place=st.integers(0, 40))
    def check(text, neighbours, place):
        at = min(place, len(neighbours))
        alone = vectors(encoder, engines[0], [text], readouts)
        for engine in engines:
            batch = [*neighbours[:at], text, *neighbours[at:]]
            beside = vectors(encoder, engine, batch, readouts)
            for spec in readouts:
                np.testing.assert_array_equal(alone[spec][0], beside[spec][at])

    check()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_two_runs_and_two_engines_give_the_same_bits(demo, precision):
    texts = [f"the {'old ' * n}cat sat on mat number {n}" for n in range(60)]
    first = NativeEngine(demo, precision)
    once, again = vectors(demo, first, texts), vectors(demo, first, texts)
    other = vectors(demo, NativeEngine(demo, precision, streams=3), texts)
    for spec in READOUTS:
        np.testing.assert_array_equal(once[spec], again[spec])
        np.testing.assert_array_equal(once[spec], other[spec])


@pytest.mark.parametrize("name", ["bert", "modernbert"])
@pytest.mark.parametrize("spec", ["cls@-1", "sep@2", "token[2]@-1", "token[-9]@1", "pooler"])
def test_rows_alone_are_what_they_are_among_all(tiny, name, spec):
    encoder = poolwise.load(tiny(name))
    if spec == "pooler" and not encoder.has_pooler:
        pytest.skip("no pooler")
    texts = ["the cat sat on the mat", "a", "", "the dog ran over the old hill"]
    layer = parse(spec).layer_indices(encoder.depth)[-1] if spec != "pooler" else encoder.depth
    engine = NativeEngine(encoder)
    few = vectors(encoder, engine, texts, [spec])[spec]
    among = vectors(encoder, engine, texts, [spec, f"mean@{layer}"])[spec]
    np.testing.assert_array_equal(few, among)


@pytest.mark.parametrize("level", [*levels(), "emulated"])
@pytest.mark.parametrize(("precision", "least"), [("fast", 0.995), ("near", 0.99998)])
def test_less_precise_vectors_stay_near(demo, level, precision, least):
    if not has_precision(level, precision):
        pytest.skip(f"{level} has no arithmetic for it")
    texts = ["How do I lock my card?", "no", ""]
    texts += ["It is a truth universally acknowledged, " * 9] * (level != "emulated")  # it is slow
    exact = vectors(demo, NativeEngine(demo), texts, ["mean@-1", "cls@3"])
    near = vectors(demo, NativeEngine(demo, precision, level=level), texts, ["mean@-1", "cls@3"])
    for spec, rows in exact.items():
        cosines = np.sum(rows * near[spec], axis=1) / (
            np.linalg.norm(rows, axis=1) * np.linalg.norm(near[spec], axis=1)
        )
        assert cosines.min() >= least
        assert not np.array_equal(rows, near[spec])


ODD = [
    {"hidden_size": 24, "num_attention_heads": 1, "intermediate_size": 40},
    {"hidden_size": 60, "num_attention_heads": 5, "intermediate_size": 7},
    {"hidden_size": 32, "num_attention_heads": 32, "intermediate_size": 64},
    *({"hidden_act": name} for name in ("gelu_new", "gelu_pytorch_tanh", "relu", "silu")),
    {"max_position_embeddings": 600},
]


@pytest.mark.parametrize("config", ODD, ids=str)
def test_odd_shapes_are_transformers_own(tiny, config):
    from poolwise.engines.transformers_engine import TransformersEngine

    encoder = poolwise.load(tiny("bert", **config))
    texts = ["", "a", "the cat " * 31, "the old dog sat on the mat and ran " * 80]
    with_native = vectors(encoder, NativeEngine(encoder), texts)
    oracle = vectors(encoder, TransformersEngine(encoder), texts)
    for spec in READOUTS:
        np.testing.assert_allclose(with_native[spec], oracle[spec], atol=2e-5, rtol=0, err_msg=spec)


OPTIONS = [
    ("nomic_bert", {"rope_theta": 500.0, "hidden_act": "gelu", "type_vocab_size": 1}),
    ("nomic_bert", {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 37}),
    ("albert", {"num_hidden_groups": 2}),
    ("albert", {"num_hidden_groups": 3, "embedding_size": 32}),
    ("deberta-v2", {"share_att_key": False, "pos_att_type": ["c2p"]}),
    ("deberta-v2", {"pos_att_type": ["p2c"], "norm_rel_ebd": "none"}),
    ("deberta-v2", {"relative_attention": False, "position_biased_input": True}),
    ("deberta-v2", {"relative_attention": False}),
    ("deberta-v2", {"position_buckets": -1, "max_relative_positions": 24, "type_vocab_size": 2}),
    ("deberta-v2", {"position_buckets": 9, "max_position_embeddings": 300}),
    ("deberta-v2", {"embedding_size": 16, "num_attention_heads": 1}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_options_of_families_are_transformers_own(tiny, name, options):
    from poolwise.engines.transformers_engine import TransformersEngine

    encoder = poolwise.load(tiny(name, **options))
    texts = ["", "a", "the cat " * 15, "the old dog sat on the mat and ran " * 80]
    readouts = [f"{pool}@{layer}" for pool in ("cls", "max") for layer in range(encoder.depth + 1)]
    found = vectors(encoder, NativeEngine(encoder), texts, readouts)
    oracle = vectors(encoder, TransformersEngine(encoder), texts, readouts)
    for spec in readouts:
        np.testing.assert_allclose(found[spec], oracle[spec], atol=1e-5, rtol=0, err_msg=spec)


@pytest.mark.parametrize(("buckets", "farthest"), [(256, 512), (16, 64), (9, 130), (-1, 40)])
def test_deberta_buckets_are_transformers_own(buckets, farthest):
    from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

    span = buckets if buckets > 0 else farthest
    distance = torch.arange(511, -512, -1)[:, None]  # query minus key
    if buckets > 0:
        distance = make_log_bucket_position(distance, buckets, farthest).long()
    expected = torch.clamp(distance + span, 0, 2 * span - 1)[:, 0].numpy()
    rows = distance_rows(512, span, buckets, farthest)
    np.testing.assert_array_equal(2 * span - 1 - rows, expected)


@pytest.mark.parametrize("buckets", [33, 64])
def test_mpnet_reads_the_32_buckets_that_transformers_reads(tiny, buckets):
    from transformers import AutoModel

    from poolwise.engines.transformers_engine import TransformersEngine

    config = {"relative_attention_num_buckets": buckets, "max_position_embeddings": 600}
    folder = tiny("mpnet", **config)
    encoder = poolwise.load(folder)
    texts = ["a", "the old dog sat on the mat and ran " * 50]
    assert encoder.tensors["encoder.relative_attention_bias.weight"].shape == (buckets, 4)
    theirs = AutoModel.from_pretrained(folder).eval()
    for engine in (NativeEngine(encoder), TransformersEngine(encoder)):
        found = vectors(encoder, engine, texts, ["mean@-1"])["mean@-1"]
        for text, vector in zip(encoder.tokenize(texts), found, strict=True):
            ids = torch.tensor(text.windows[0].ids.astype(np.int64))[None]
            with torch.no_grad():
                expected = theirs(ids).last_hidden_state[0].mean(0).numpy()
            np.testing.assert_allclose(vector, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("level", levels())
def test_embeddings_wider_than_everything_else(tiny, level):
    encoder = poolwise.load(tiny("electra", embedding_size=200))
    texts = ["the cat sat on the mat", "a"]
    exact = vectors(encoder, NativeEngine(encoder), texts, ["mean@-1"])["mean@-1"]
    fast = vectors(encoder, NativeEngine(encoder, "fast", level=level), texts, ["mean@-1"])
    np.testing.assert_allclose(fast["mean@-1"], exact, atol=0.2)


def test_positions_are_transformers_own():
    from transformers.models.roberta.modeling_roberta import RobertaEmbeddings

    torch = pytest.importorskip("torch")
    rows = [[0, 5, 6, 2], [0, 1, 7, 1, 2]]  # a text may hold the padding token itself
    batch = _batch(rows)
    of_roberta = RobertaEmbeddings.create_position_ids_from_input_ids
    expected = [of_roberta(torch.tensor([row]), 1)[0].tolist() for row in rows]
    assert positions(batch, 1).tolist() == [p for row in expected for p in row]
    assert positions(batch, None).tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4]


def _batch(rows):
    from poolwise.records import Tokens

    return pack([Tokens(np.array(r, np.int32), np.zeros(len(r), bool)) for r in rows])


def _run(bert, **changes):
    core = NativeEngine(bert)._core
    whole = {
        "ids": np.array([2, 9, 3, 2, 3], np.int32),
        "positions": np.array([0, 1, 2, 0, 1], np.int32),
        "offsets": np.array([0, 3, 5], np.int32),
        "deepest": 3,
        "rows": None,
        "weights": np.ones((1, 5), np.float32),
        "linear": [(3, 0)],
        "maxima": [(0, [(1, 1.0)])],
        "pooler": True,
        "hidden_states": [0, 3],
        "threads": 2,
    }
    return core.run(**{**whole, **changes})


def ints(*values):
    return np.array(values, np.int32)


MALFORMED = [
    {"ids": ints(2, 9, 3, 2, 10**6)},
    {"ids": ints(2, 9, 3, 2, -1)},
    {"ids": ints(2, 9, 3, 2)},
    {"positions": ints(0, 1, 2, 0, 64)},
    {"positions": ints(0, 1, 2, 0, -1)},
    {"offsets": ints(0, 3)},
    {"offsets": ints(0)},
    {"offsets": ints(0, 6, 5)},
    {"offsets": ints(0, 3, 3, 5)},
    {"offsets": ints(1, 3, 5)},
    {"offsets": ints(0, 2**31 - 1, 5)},
    {"offsets": ints(0, -(2**31), 5)},
    {"hidden_states": [0, 4]},
    {"hidden_states": [-1]},
    {"hidden_states": [2, 1]},
    {"hidden_states": [1, 1]},
    {"hidden_states": [3], "rows": ints(0, 3)},
    {"deepest": 4},
    {"deepest": -1},
    {"deepest": 2},
    {"weights": np.ones((1, 4), np.float32)},
    {"weights": np.ones((0, 5), np.float32)},
    {"linear": [(4, 0)]},
    {"linear": [(1, 1)]},
    {"linear": [(-1, 0)]},
    {"maxima": [(1, [(1, 1.0)])]},
    {"maxima": [(0, [])]},
    {"maxima": [(0, [(2, 1.0), (1, 1.0)])]},
    {"rows": ints(5), "maxima": []},
    {"rows": ints(1, 0), "maxima": []},
    {"rows": ints(0), "maxima": [(0, [(3, 1.0)])]},
    {"threads": 0},
    {"threads": 10**6},
]


@pytest.mark.parametrize("change", MALFORMED, ids=str)
def test_malformed_arrays_raise(bert, change):
    with pytest.raises(ValueError, match=r"\w"):
        _run(bert, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"ids": np.array([2, 9, 3, 2, 3])},
        {"ids": np.zeros((1, 5), np.int32)},
        {"weights": np.ones((1, 5))},
        {"weights": np.ones((2, 10), np.float32)[:1, ::2]},
        {"offsets": None},
    ],
    ids=["int64", "two axes", "float64", "strided", "none"],
)
def test_arrays_of_another_kind_raise(bert, change):
    with pytest.raises(TypeError):
        _run(bert, **change)


def test_what_is_whole_runs(bert):
    vectors, hidden_states = _run(bert)
    assert vectors.shape == (3, 2, bert.width)
    assert hidden_states.shape == (2, 5, bert.width)


def test_a_model_takes_the_native_engine_and_says_so(bert):
    assert bert.engine.name == "native"
    assert bert.provenance("fast")["precision"] == "fast"
    assert bert.embed("the cat", "mean@-1", precision="fast").shape == (bert.width,)


def test_every_family_that_is_read_runs():
    assert {*NATIVE_FAMILIES} == {*FAMILIES}


@pytest.mark.parametrize(
    ("name", "options"), [("bert", {"hidden_act": "tanh"}), ("deberta-v2", {"conv_kernel_size": 3})]
)
def test_other_encoders_fall_to_transformers_and_to_exact(tiny, name, options):
    opening._warn_once.cache_clear()
    other = poolwise.load(tiny(name, **options))
    with pytest.warns(PoolwiseWarning, match="exact instead of fast"):
        engine = other.engine_for("fast")
    assert (engine.name, engine.precision) == ("transformers", "exact")


def test_a_precision_without_arithmetic_for_it_says_so_and_runs_exact(bert, monkeypatch):
    opening._warn_once.cache_clear()
    monkeypatch.setattr(native, "has_precision", lambda level, precision: precision == "exact")
    with pytest.warns(PoolwiseWarning, match="nothing faster for precision near"):
        engine = open_engine(bert, "near")
    assert (engine.name, engine.precision) == ("native", "exact")


def test_without_levels_transformers_runs_and_it_is_said_once(bert, monkeypatch, recwarn):
    opening._warn_once.cache_clear()
    monkeypatch.setattr(native, "levels", tuple)
    with pytest.warns(PoolwiseWarning, match="the native engine off; transformers runs"):
        assert open_engine(bert).name == "transformers"
    assert open_engine(bert).name == "transformers"
    opening._warn_once.cache_clear()
    monkeypatch.undo()
    assert open_engine(bert).name == "native"
    assert not recwarn.list


def test_several_threads_ask_for_single_sentences_at_once(demo):
    texts = [f"the cat sat on mat number {n}" for n in range(8)]
    engine = NativeEngine(demo, streams=2)
    alone = [vectors(demo, engine, [text])["mean@-1"] for text in texts]
    with ThreadPoolExecutor(4) as callers:
        together = callers.map(lambda text: vectors(demo, engine, [text])["mean@-1"], texts * 5)
        for index, made in enumerate(together):
            np.testing.assert_array_equal(made, alone[index % len(texts)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_helpers_of_its_own(bert):
    engine = NativeEngine(bert, streams=2)
    expected = vectors(bert, engine, ["the cat sat"])["mean@-1"]
    child = os.fork()
    if child == 0:
        made = vectors(bert, engine, ["the cat sat"])["mean@-1"]
        os._exit(0 if np.array_equal(made, expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_plan_stops_the_walk(bert):
    """Blocks above the deepest layer are not even asked for: their weights may be missing."""
    engine = NativeEngine(bert)
    batch = pack([t.windows[0] for t in bert.tokenize(["the cat sat"])])
    wanted = plan([parse("mean@1")], depth=bert.depth)
    ((_, made),) = engine.run([batch], wanted)
    (vector,) = made.vectors.values()
    with_all = vectors(bert, engine, ["the cat sat"], ["mean@1", "mean@-1"])["mean@1"]
    np.testing.assert_array_equal(vector, with_all)
