"""bert-as-service's own client, unmodified, against its protocol here."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import zmq
from bert_serving.client import BertClient, ConcurrentBertClient

import poolwise
from poolwise.errors import OptionError, PoolwiseError
from poolwise.serving import app
from poolwise.serving.protocols.bert_settings import BertSettings, bert_settings
from poolwise.serving.protocols.bert_sockets import BertSockets, address, is_loopback

TEXTS = [
    "the cat sat on the mat",
    "a dog",
    "the old sea and the hill, a tree by the house and the bird is not in the big red tree",
    "no one saw you",
]
SECONDS = 60
"""Generous: nothing here takes one."""

pytestmark = pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")


@contextmanager
def served(folder, settings=None, **flags):
    """A server of bert-as-service in a thread; its ports are free ones."""
    application = app(folder, settings, bert_as_service={"port": 0, "port_out": 0, **flags})
    bert, ready, failure = application.state.bert, threading.Event(), []

    async def run():
        bert.stopped, bert.loop = asyncio.Event(), asyncio.get_running_loop()
        async with application.router.lifespan_context(application):
            ready.set()
            await bert.stopped.wait()

    def work():
        try:
            asyncio.run(run())
        except BaseException as error:
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(SECONDS)
        if failure:
            raise failure[0]
        yield bert
    finally:
        if not failure:
            bert.loop.call_soon_threadsafe(bert.stopped.set)
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert not failure, failure


def client(bert, kind=BertClient, **options):
    options = {"check_length": False, "timeout": SECONDS * 1000, **options}
    return kind(port=bert.sockets.port, port_out=bert.sockets.port_out, **options)


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module")
def bert(folder):
    with served(folder) as server:
        yield server


@pytest.fixture
def bc(bert):
    with client(bert) as one:
        yield one


@pytest.fixture
def sockets(bert):
    """``sockets()``: a PUSH and a SUB socket without a client around them."""
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())

        def make():
            push = stack.enter_context(context.socket(zmq.PUSH))
            subscribe = stack.enter_context(context.socket(zmq.SUB))
            for socket, port in ((push, bert.sockets.port), (subscribe, bert.sockets.port_out)):
                socket.linger, socket.rcvtimeo = 0, SECONDS * 1000
                socket.connect(f"tcp://127.0.0.1:{port}")
            return push, subscribe

        yield make


def hidden_states(model, texts):
    """Every text's hidden states [depth + 1, t, d], and which of its tokens are special."""
    states, special = [None] * len(texts), [None] * len(texts)
    for group in model.token_outputs(texts):
        for i, row in enumerate(group.rows):
            states[row], special[row] = group.hidden_states[:, i], group.special[i]
    return states, special


POOLS = {
    "REDUCE_MEAN": lambda x, keep: x[keep].mean(0),
    "REDUCE_MAX": lambda x, keep: x[keep].max(0),
    "REDUCE_MEAN_MAX": lambda x, keep: np.concatenate([x[keep].mean(0), x[keep].max(0)]),
    "FIRST_TOKEN": lambda x, keep: x[0],
    "CLS_TOKEN": lambda x, keep: x[0],
    "LAST_TOKEN": lambda x, keep: x[-1],
    "SEP_TOKEN": lambda x, keep: x[-1],
}
"""As the original's graph.py computes them; -mask_cls_sep spares the single tokens."""


def test_its_defaults_are_the_originals(bert, bc, folder):
    model = poolwise.load(folder).limited(25)
    np.testing.assert_array_equal(bc.encode(TEXTS), model.embed(TEXTS, "mean@-2"))
    config = bc.server_config
    assert config["server_version"] == "1.10.0"
    assert config["max_seq_len"] == 25
    assert config["show_tokens_to_client"] is True
    assert (config["pooling_layer"], config["pooling_strategy"]) == ([-2], 2)
    assert config["readout"] == "mean@-2"
    assert "statistic" not in config


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("strategy", POOLS)
@pytest.mark.parametrize("layers", [[0], [1, -3]])
def test_strategies_are_the_originals(folder, strategy, layers, mask):
    model = poolwise.load(folder).limited(16)
    flags = {"pooling_strategy": strategy, "pooling_layer": layers, "mask_cls_sep": mask}
    with served(folder, max_seq_len=16, **flags) as bert, client(bert) as bc:
        vectors = bc.encode(TEXTS)
        readout = bc.server_config["readout"]
    np.testing.assert_array_equal(vectors, model.embed(TEXTS, readout))
    for vector, states, special in zip(vectors, *hidden_states(model, TEXTS), strict=True):
        blocks = np.concatenate([states[1:][k] for k in layers], axis=1)
        keep = ~special if mask else np.ones(len(special), bool)
        np.testing.assert_allclose(vector, POOLS[strategy](blocks, keep), atol=1e-5)


def test_cls_pooled_ignores_the_layer(folder):
    with served(folder, pooling_strategy="CLS_POOLED", pooling_layer=0) as bert, client(bert) as bc:
        vectors = bc.encode(TEXTS)
    np.testing.assert_array_equal(vectors, poolwise.load(folder).limited(25).embed(TEXTS, "pooler"))


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(
    ("max_seq_len", "fixed", "rows"), [(12, False, 12), ("NONE", False, 22), ("NONE", True, 64)]
)
def test_none_gives_every_token(folder, max_seq_len, fixed, rows, mask):
    flags = {"max_seq_len": max_seq_len, "fixed_embed_length": fixed, "mask_cls_sep": mask}
    with (
        served(folder, pooling_strategy="NONE", pooling_layer=[-1, -2], **flags) as bert,
        client(bert) as bc,
    ):
        vectors = bc.encode(TEXTS)
        assert bc.server_config["max_seq_len"] == (None if max_seq_len == "NONE" else 12)
    model = poolwise.load(folder)
    model = model.limited(12) if max_seq_len == 12 else model
    states, specials = hidden_states(model, TEXTS)
    rows = rows if max_seq_len == 12 or fixed else max(len(special) for special in specials)
    assert vectors.shape == (len(TEXTS), rows, 64)
    for vector, layers, special in zip(vectors, states, specials, strict=True):
        expected = np.zeros((rows, 64), np.float32)
        expected[: len(special)] = np.concatenate([layers[-1], layers[-2]], axis=1)
        if mask:
            expected[: len(special)][special] = 0
        np.testing.assert_array_equal(vector, expected)


def test_tokens_are_shown(bc):
    vectors, tokens = bc.encode(["the cat", "a dogs"], show_tokens=True)
    assert tokens == [["[CLS]", "the", "cat", "[SEP]"], ["[CLS]", "a", "dog", "##s", "[SEP]"]]
    assert vectors.shape == (2, 32)


def test_tokens_are_not_shown_unless_the_flag_says_so(folder):
    with (
        served(folder, show_tokens_to_client=False) as bert,
        client(bert) as bc,
        pytest.warns(UserWarning, match="does not support showing"),
    ):
        vectors = bc.encode(["the cat"], show_tokens=True)
    assert vectors.shape == (1, 32)


def test_tokenized_texts_are_read_as_their_tokens(bc):
    texts = [["the", "cat"], ["Xyz", "dog"], ["the"] * 40]
    vectors, tokens = bc.encode(texts, is_tokenized=True, show_tokens=True)
    assert tokens[:2] == [["[CLS]", "the", "cat", "[SEP]"], ["[CLS]", "[UNK]", "dog", "[SEP]"]]
    assert tokens[2] == ["[CLS]", *["the"] * 23, "[SEP]"]
    whole = bc.encode(["the cat", "[UNK] dog", "the " * 40])
    np.testing.assert_array_equal(vectors, whole)


def test_no_special_token_is_of_tokenized_texts(folder):
    with served(folder, no_special_token=True, max_seq_len=4) as bert, client(bert) as bc:
        _, shown = bc.encode([["the", "cat"], ["a"] * 9], is_tokenized=True, show_tokens=True)
        _, of_texts = bc.encode(["the cat"], show_tokens=True)
    assert shown == [["the", "cat"], ["a"] * 4]
    assert of_texts == [["[CLS]", "the", "cat", "[SEP]"]]


PAIRS = [
    "the cat ||| a dog",
    "no pair",
    " a tree ||| the old sea ||| no one ",
    "a " * 30 + "||| two",
]


@pytest.mark.parametrize(
    "family", ["bert", "electra", "albert", "distilbert", "roberta", "multilingual-e5"]
)
def test_pairs_are_transformers(tiny, family):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tiny(family)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with served(folder, max_seq_len=14) as bert, client(bert) as bc:
        vectors, tokens = bc.encode(PAIRS, show_tokens=True)
        singles = bc.encode(PAIRS[1:2])
        config = bc.server_config
    texts = [("the cat", "a dog"), ("no pair",), ("a tree ||| the old sea", "no one")]
    texts.append(("a " * 30, "two"))
    np.testing.assert_array_equal(vectors[1], singles[0])
    for vector, shown, text in zip(vectors, tokens, texts, strict=True):
        made = tokenizer(
            *text,
            return_tensors="pt",
            truncation="longest_first",
            max_length=14,
            return_token_type_ids=family != "distilbert",
        )
        with torch.inference_mode():
            states = model(**made, output_hidden_states=True).hidden_states
        assert shown == tokenizer.convert_ids_to_tokens(made["input_ids"][0])
        np.testing.assert_allclose(vector, states[-2][0].mean(0), atol=1e-5)
    assert config["max_seq_len"] == 14


def test_tokenized_pairs_are_those_of_texts(bc):
    vectors = bc.encode([["the", "cat", "|||", "a", "dog"], ["no", "one"]], is_tokenized=True)
    np.testing.assert_array_equal(vectors, bc.encode(["the cat ||| a dog", "no one"]))
    assert not np.allclose(vectors[0], bc.encode(["the cat [SEP] a dog"])[0], atol=1e-4)


def test_pairs_are_refused_where_special_tokens_are_masked(folder):
    with served(folder, mask_cls_sep=True) as bert, client(bert) as bc:
        with pytest.raises(ValueError, match="mask_cls_sep"):
            bc.encode(PAIRS)
        assert bc.encode(PAIRS[1:2]).shape == (1, 32)


def test_requests_without_waiting(bc):
    for n in (1, 2, 3):
        bc.encode(TEXTS[:n], blocking=False)
    together = bc.fetch_all(sort=True)
    assert [len(vectors) for vectors in together] == [1, 2, 3]
    np.testing.assert_array_equal(together[2], bc.encode(TEXTS[:3]))
    batches = [TEXTS[:1], TEXTS[1:3]] * 3
    found = {}
    for _, vectors, _ in bc.encode_async(iter(batches), max_num_batch=6, delay=0.2):
        found.setdefault(len(vectors), []).append(vectors)
    assert {n: len(arrays) for n, arrays in found.items()} == {1: 3, 2: 3}
    for vectors in found[2]:
        np.testing.assert_array_equal(vectors, bc.encode(TEXTS[1:3]))


def test_lists_of_floats(bert, bc):
    with client(bert, output_fmt="list") as lists:
        assert lists.encode(TEXTS[:1]) == bc.encode(TEXTS[:1]).tolist()


def run_together(n, work):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SECONDS)
    assert not failures, failures
    assert not any(thread.is_alive() for thread in threads)


def test_forty_clients_at_once_lose_no_reply(bert, bc):
    expected = bc.encode(TEXTS)

    def work(number):
        with client(bert) as one:
            for _ in range(3):
                np.testing.assert_array_equal(one.encode(TEXTS[: 1 + number % 4]),
                                              expected[: 1 + number % 4])  # fmt: skip

    run_together(40, work)


def test_a_client_of_several_threads(bert, bc):
    expected = bc.encode(TEXTS)
    several = client(bert, ConcurrentBertClient, max_concurrency=8)
    try:
        run_together(
            8, lambda _: np.testing.assert_array_equal(several.encode(texts=TEXTS), expected)
        )
        assert several.server_config["max_seq_len"] == 25
        assert several.server_status["statistic"]["num_data_request"] >= 9
    finally:
        several.close()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'["the cat", ""]', r"texts\[1\] is empty"),
        (b'["the cat", 7]', r"texts\[1\] is not a text"),
        (b'[["a"], "b"]', r"texts\[1\] is not a list of tokens"),
        (b'[["a", 1]]', r"texts\[0\] is not a list of tokens"),
        (b"[[]]", r"texts\[0\] is empty"),
        (b"[]", "at least one"),
        (b'{"texts": ["a"]}', "expected a list of texts"),
        (b"SHOW", "no JSON"),
        (b'["\\ud800"]', "no JSON"),
        (b"[" * 5000, "no JSON"),
        (b"", "no JSON"),
    ],
)
def test_an_error_raises_in_the_client_which_works_on(bc, message, reason):
    bc._send(message, 1)
    with pytest.raises(ValueError, match=reason):
        bc._recv_ndarray(bc.request_id)
    assert bc.encode(["the cat"]).shape == (1, 32)


def test_an_error_of_the_server_names_no_text(bert, bc, monkeypatch):
    def fail(texts):
        raise RuntimeError("the cat, a secret")

    with monkeypatch.context() as patch:
        patch.setattr(bert.encoding, "encode", fail)
        with pytest.raises(ValueError, match="RuntimeError") as caught:
            bc.encode(["the cat"])
        assert "secret" not in str(caught.value)
    assert bc.encode(["the cat"]).shape == (1, 32)


def test_frames_that_are_no_request_are_dropped(bert, bc, sockets):
    push, _ = sockets()
    before = bert.statistics.data_requests
    good = [b"someone", b'["the cat"]', b"1", b"1"]
    wrong = [
        [b"x"],
        good[:3],
        [*good, b"more"],
        [b"", *good[1:]],
        [b"i" * 300, *good[1:]],
        [*good[:2], b"one", b"1"],
        [*good[:2], b"1", b"-1"],
        [*good[:2], b"", b"1"],
        [*good[:2], "²".encode(), b"1"],
        [*good[:2], b"1", b"9" * 5000],
    ]
    for frames in wrong:
        push.send_multipart(frames)
    push.send_multipart(good)
    while bert.statistics.data_requests == before:
        time.sleep(0.01)
    assert bc.encode(TEXTS[:2]).shape == (2, 32)
    assert bert.statistics.data_requests == before + 2


def test_a_reply_waits_for_its_own_clients_subscription(bert, sockets):
    push, subscribe = sockets()
    subscribe.subscribe(b"client#1@")  # begins the other's identity, and gets its replies too
    push.send_multipart([b"client#1@", b"SHOW_CONFIG", b"7", b"0"])
    assert subscribe.recv_multipart()[::2] == [b"client#1@", b"7"]
    late_push, late = sockets()
    late_push.send_multipart([b"client#1@2", b'["the cat"]', b"8", b"1"])
    assert not subscribe.poll(500)  # computed by then, and held
    late.subscribe(b"client#1@2")
    identity, facts, content, request_id = late.recv_multipart()
    assert (identity, request_id) == (b"client#1@2", b"8")
    facts = json.loads(facts)
    assert (facts["dtype"], facts["shape"]) == ("float32", [1, 32])
    assert facts["tokens"] == [["[CLS]", "the", "cat", "[SEP]"]]
    assert len(content) == 4 * 32
    assert subscribe.recv_multipart()[::3] == [b"client#1@2", b"8"]


def test_termination_is_ignored_unless_it_is_allowed(bert, bc, sockets):
    called = []
    bert.on_termination = lambda: called.append(True)
    push, _ = sockets()
    push.send_multipart([b"0", b"TERMINATION", b"0", b"0"])
    push.send_multipart([b"0", b'["the cat"]', b"0", b"1"])
    assert bc.encode(["the cat"]).shape == (1, 32)
    assert not called


def test_termination_from_this_machine_ends_the_server_where_allowed(folder):
    with served(folder, allow_termination=True) as bert, zmq.Context() as context:
        ended = threading.Event()
        bert.on_termination = ended.set
        with context.socket(zmq.PUSH) as push:
            push.connect(f"tcp://127.0.0.1:{bert.sockets.port}")
            push.send_multipart([b"0", b"TERMINATION", b"0", b"0"])
            assert ended.wait(SECONDS)


def test_a_long_request_is_computed_in_pieces_and_in_order(folder):
    texts = [f"{'the ' * (i % 7)}cat {i}" for i in range(300)]
    with served(folder, max_batch_size=7, priority_batch_size=0) as bert, client(bert) as bc:
        vectors, tokens = bc.encode(texts, show_tokens=True)
        bc._send(json.dumps([*texts, ""]).encode(), 1)
        with pytest.raises(ValueError, match=r"texts\[300\] is empty"):
            bc._recv_ndarray(bc.request_id)
    model = poolwise.load(folder)
    np.testing.assert_array_equal(vectors, model.limited(25).embed(texts, "mean@-2"))
    assert len(tokens) == 300


def test_a_full_queue_makes_clients_wait_and_refuses_none(folder):
    with served(folder, poolwise.serving.Settings(queue_tokens=32)) as bert:

        def work(number):
            with client(bert) as bc:
                assert bc.encode(TEXTS * 3).shape == (12, 32)

        run_together(6, work)


def test_a_reply_beyond_the_memory_for_it_is_refused(bert, bc, monkeypatch):
    monkeypatch.setattr("poolwise.serving.protocols.bert_encoding.MAX_REPLY", 3 * 128)
    assert bc.encode(TEXTS[:3]).shape == (3, 32)
    with pytest.raises(ValueError, match="send fewer at a time"):
        bc.encode(TEXTS)


def test_a_message_that_is_too_large_is_refused(folder):
    with served(folder, poolwise.serving.Settings(max_body=1000)) as bert, client(bert) as bc:
        with pytest.raises(ValueError, match="more than 1,000 bytes"):
            bc.encode(["the cat " * 200])
        assert bc.encode(["the cat"]).shape == (1, 32)


def test_a_client_that_waits_when_the_server_stops_is_told(folder):
    failures = []

    def work(bc):
        try:
            while True:
                bc.encode(TEXTS * 100)
        except ValueError as error:
            failures.append(str(error))

    with served(folder) as bert, ExitStack() as stack:
        several = [stack.enter_context(client(bert)) for _ in range(4)]
        threads = [threading.Thread(target=work, args=(bc,)) for bc in several]
        for thread in threads:
            thread.start()
        while bert.statistics.data_requests < 8:
            time.sleep(0.01)
        bert.encoding.service.draining = True
        for thread in threads:
            thread.join(SECONDS)
    assert len(failures) == 4
    assert all("the server stops" in message for message in failures)


def test_status_counts(folder):
    with served(folder) as bert, client(bert) as bc, client(bert) as other:
        bc.encode(TEXTS)
        other.encode(TEXTS[:2])
        statistic = bc.server_status["statistic"]
    assert statistic["num_data_request"] == 2
    assert statistic["num_total_seq"] == 6
    assert statistic["num_sys_request"] == 3
    assert statistic["num_total_request"] == 5
    assert (statistic["num_total_client"], statistic["num_active_client"]) == (2, 2)
    assert statistic["max_size_per_request"] == 4
    assert statistic["avg_size_per_request"] == 3


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"pooling_stategy": "NONE"}, "expected some of port, port_out, pooling_layer"),
        ({"num_worker": 4}, "leave it out"),
        ({"pooling_strategy": "mean"}, "expected NONE, REDUCE_MAX"),
        ({"pooling_layer": "last"}, "expected a number of a block"),
        ({"pooling_layer": []}, "is empty"),
        ({"pooling_layer": [True]}, "expected a number of a block"),
        ({"pooling_layer": 3}, "has 3 blocks: expected 0 to 2"),
        ({"pooling_layer": [-1, -4]}, "has 3 blocks"),
        ({"max_seq_len": 3}, "expected more than 3"),
        ({"max_seq_len": 65}, "reads 64 tokens"),
        ({"max_seq_len": 25.5}, 'expected a whole number or "NONE"'),
        ({"mask_cls_sep": "yes"}, "expected true or false"),
        ({"port": 70_000}, "expected 0 to 65535"),
        ({"port": 7, "port_out": 7}, "expected two ports"),
        ({"cased_tokenization": True}, "lowers case"),
        ({"model": "other"}, "not found"),
        ({"model": 3}, "expected a text"),
        ({"max_batch_size": 0}, "expected 1 or more"),
    ],
)
def test_flags_that_cannot_be_are_refused(folder, flags, reason):
    with pytest.raises(OptionError, match=reason):
        app(folder, bert_as_service=flags)


def test_flags_as_text_are_those_of_a_table():
    assert bert_settings(
        {"port": "0", "pooling_layer": "-4 -3", "mask_cls_sep": "true", "max_seq_len": "none"}
    ) == BertSettings(port=0, pooling_layer=(-4, -3), mask_cls_sep=True, max_seq_len=None)


def test_what_the_model_lacks_is_refused(tiny):
    with pytest.raises(PoolwiseError, match="no pooler weights"):
        app(tiny("bert", pooler=False), bert_as_service={"pooling_strategy": "CLS_POOLED"})
    app(tiny("bert-cased"), bert_as_service={"cased_tokenization": True})
    with pytest.raises(OptionError, match="keeps case"):
        app(tiny("bert-cased"), bert_as_service={"cased_tokenization": False})


def test_it_is_bound_to_this_machine_unless_insecure():
    assert address("0.0.0.0", insecure=False) == "127.0.0.1"
    assert address("0.0.0.0", insecure=True) == "0.0.0.0"
    assert address("localhost", insecure=True) == "127.0.0.1"
    assert is_loopback("127.8.0.1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("")
    first = BertSockets("127.0.0.1", 0, 0, max_message=1000)
    try:
        with pytest.raises(OptionError, match="choose another port_out"):
            BertSockets("127.0.0.1", 0, first.port_out, max_message=1000)
    finally:
        first.close()


def ask(url, body=None, method=None, **headers):
    """Status, headers and JSON of a reply."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            content = reply.read()
            return reply.status, reply.headers, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.loads(error.read())


JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def url(live_server, folder):
    return live_server(
        folder, "--bert", "port=0", "--bert", "port_out=0", "--bert", "max_seq_len=9"
    )


def test_the_command_serves_it(url, folder):
    _, headers, status = ask(f"{url}/status/server")
    assert headers["access-control-allow-origin"] == "*"
    assert status["status"] == 200
    assert status["max_seq_len"] == 9
    ports = {"port": status["port"], "port_out": status["port_out"]}
    with BertClient(**ports, check_length=False, timeout=SECONDS * 1000) as bc:
        expected = poolwise.load(folder).limited(9).embed(TEXTS, "mean@-2")
        np.testing.assert_array_equal(bc.encode(TEXTS), expected)
    _, _, other = ask(f"{url}/status/client")
    assert other["client_version"] == "1.10.0"
    assert {"identity", "num_request", "num_pending_request", "port", "port_out"} <= {*other}


def test_encode_over_http_takes_json_and_forms(url, folder):
    expected = poolwise.load(folder).limited(9).embed(TEXTS[:2], "mean@-2")
    tokenized = [["the", "cat", "sat", "on", "the", "mat"], ["a", "dog"]]
    body = json.dumps({"id": 123, "texts": TEXTS[:2]}).encode()
    status, headers, reply = ask(f"{url}/encode", body, **JSON)
    assert (status, reply["id"], reply["status"]) == (200, 123, 200)
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-poolwise-readout"] == reply["readout"] == "mean@-2"
    assert reply["result"] == reply["results"]
    np.testing.assert_array_equal(np.array(reply["result"], np.float32), expected)
    body = json.dumps({"id": "a", "texts": tokenized, "is_tokenized": True}).encode()
    assert ask(f"{url}/encode", body, **JSON)[2]["result"] == reply["result"]
    for texts in (TEXTS[:2], json.dumps(TEXTS[:2])):
        form = urllib.parse.urlencode({"id": 5, "texts": texts}, doseq=True).encode()
        _, _, of_form = ask(f"{url}/encode", form)
        assert (str(of_form["id"]), of_form["result"]) == ("5", reply["result"])


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"texts": ["a"]}, 400, "id"),
        ({"id": 1, "texts": []}, 400, "at least one"),
        ({"id": 1, "texts": ["a", ""]}, 400, "is empty"),
        ({"id": 1, "texts": ["a"], "is_tokenized": True}, 400, "lists of tokens"),
        ({"id": 1, "texts": [["a"]]}, 400, "is_tokenized is false"),
    ],
)
def test_errors_over_http_can_be_read_by_any_page(url, body, status, reason):
    found, headers, reply = ask(f"{url}/encode", json.dumps(body).encode(), **JSON)
    assert (found, reply["status"]) == (status, status)
    assert reason in reply["description"]
    assert headers["access-control-allow-origin"] == "*"


def test_a_browser_is_told_what_it_may_send(url):
    status, headers, _ = ask(f"{url}/encode", method="OPTIONS")
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert "content-type" in headers["access-control-allow-headers"]


def test_its_http_is_not_served_unless_asked_for(live_server, folder):
    status, _, _ = ask(f"{live_server(folder, '-r', 'cls@-1')}/encode", b"{}", **JSON)
    assert status == 404
