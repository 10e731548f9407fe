"""Corpus jobs on Ray: the address and the room of a cluster; and jobs, in ``make soak``.

``POOLWISE_KILLS`` kills, 20 by default, are drawn by ``POOLWISE_KILL_SEED``.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import psutil
import pytest

import poolwise
from poolwise.errors import EXTRAS, MissingExtraError, OptionError, PoolwiseError, StoreError
from poolwise.jobs.attempts import ATTEMPTS, Attempts
from poolwise.jobs.part_maker import Advance
from poolwise.jobs.plan import Part, Plan, Segment
from poolwise.jobs.ray_actor import ActorJob, PartActor, check_node
from poolwise.jobs.ray_cluster import parse_address, ray_cluster, worker_count
from poolwise.version import __version__

KILLS = int(os.environ.get("POOLWISE_KILLS", "20"))
SEED = os.environ.get("POOLWISE_KILL_SEED", "0")

on_ray = [
    pytest.mark.skipif(not os.environ.get("POOLWISE_RAY"), reason="make soak runs it: Ray is slow"),
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),
]


def with_ray(test):
    for mark in on_ray:
        test = mark(test)
    return test


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, "auto"),
        ("auto", "auto"),
        ("local", "local"),
        ("10.0.0.1:6379", "10.0.0.1:6379"),
        ("head.cluster:6379", "head.cluster:6379"),
        ("ray://head:10001", "ray://head:10001"),
        ("[fe80::1]:6379", "[fe80::1]:6379"),
    ],
)
def test_addresses(given, expected):
    assert parse_address(given) == expected


@pytest.mark.parametrize(
    "given", ["", "demo", "head", "head:", "head:99999", "head:0", "http://head:1", 3, "a b:1"]
)
def test_what_is_no_address(given):
    with pytest.raises(OptionError, match=r"expected auto, local, HOST:PORT or ray://HOST:PORT"):
        parse_address(given)


@pytest.mark.parametrize(
    ("cpus", "gpus", "asked", "workers"),
    [(2, 0, None, 1), (2, 0, 1, 1), (16, 0, None, 15), (16, 0, 3, 3), (64, 8, None, 8),
     (4, 8, None, 3), (64, 8, 2, 2), (8.0, 0.0, 7, 7), (8.9, 0, None, 7)],
)  # fmt: skip
def test_room(cpus, gpus, asked, workers):
    assert worker_count(cpus, gpus, asked) == workers


@pytest.mark.parametrize(
    ("cpus", "gpus", "asked", "message"),
    [
        (2, 0, 2, r"has 2 CPUs, 2 workers and one for Ray need 3: ask for --workers 1 at most"),
        (16, 0, 16, r"has 16 CPUs, 16 workers and one for Ray need 17: ask for --workers 15"),
        (1, 0, None, r"has 1 CPU, 1 worker and one for Ray need 2: add a node, or leave --ray out"),
        (0, 0, None, r"has 0 CPUs, 1 worker"),
        (64, 8, 9, r"has 8 GPUs, and each of 9 workers takes one: ask for --workers 8 at most"),
    ],
)
def test_no_room(cpus, gpus, asked, message):
    with pytest.raises(OptionError, match=message):
        worker_count(cpus, gpus, asked)


def test_third_death_over_a_part_names_it():
    plan = Plan([{"name": "a.txt"}], {}, {}, [Part(7, 0, (Segment(0, 10, 5),))])
    attempts = Attempts(plan, "see the log")
    for _ in range(ATTEMPTS - 1):
        attempts.add(7, "by SIGKILL")
        attempts.add(None, "by SIGKILL")
    with pytest.raises(
        PoolwiseError, match=r"3 .* over part 7 \(a.txt rows 10 to 14\), the last by SIGSEGV; see"
    ):
        attempts.add(7, "by SIGSEGV")
    with pytest.raises(PoolwiseError, match="before its first part"):
        attempts.add(None, "by SIGSEGV")


def test_embed_corpus_refuses_an_address_before_it_loads_the_model(tmp_path):
    with pytest.raises(OptionError, match="address of the Ray cluster"):
        poolwise.embed_corpus("no such model", tmp_path / "no.txt", tmp_path / "out", ray="head")


def test_without_ray_the_extra_is_named(monkeypatch):
    assert EXTRAS["ray"] == ("ray",)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"poolwise\[ray\]"), ray_cluster("local"):
        pass


def test_no_cluster_at_an_address(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    with socket.socket() as free:  # bound, and does not listen
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with (
            pytest.raises(PoolwiseError, match=f"no Ray cluster answers at {address}: .*refused"),
            ray_cluster(address),
        ):
            pass


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("import time; time.sleep(600)", "nothing came within 1 s"),
        ("import sys; sys.exit('RuntimeError: another version of Ray')", "another version of Ray"),
    ],
)
def test_what_listens_and_is_no_cluster(monkeypatch, probe, message):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    monkeypatch.setattr("poolwise.jobs.ray_cluster.CONNECT_S", 1.0)
    monkeypatch.setattr("poolwise.jobs.ray_cluster._PROBE", probe)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(PoolwiseError, match=message), ray_cluster(address):
            pass


@pytest.fixture
def job(tmp_path):
    mark = tmp_path / "mark"
    mark.write_bytes(b"sign")
    return ActorJob(__version__, tmp_path, tmp_path, mark, b"sign", b"", on_gpu=False)


def test_node_that_does_not_see_the_folder(job):
    check_node(job)
    node = socket.gethostname()
    for other in (replace(job, sign=b"other"), replace(job, mark=job.mark.with_name("none"))):
        with pytest.raises(
            StoreError, match=f"on node {node} is not the folder .* all nodes share"
        ):
            check_node(other)
    with pytest.raises(PoolwiseError, match=f"node {node} has poolwise {__version__}, .* with 0.0"):
        check_node(replace(job, version="0.0"))


def test_actor_returns_what_is_wrong_with_its_node(job, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr("poolwise.jobs.ray_actor.limit_cores", lambda _: None)
    monkeypatch.chdir(job.directory)
    error = PartActor().begin(replace(job, sign=b"other"), 0, 1)
    assert isinstance(pickle.loads(pickle.dumps(error)), StoreError)


def test_no_part_is_made_before_who_asks_has_heard_of_it(monkeypatch):
    actor = PartActor()
    begun: list[int] = []

    def make(maker, parts, report, starting):
        for part in parts:
            starting(part)
            begun.append(part.number)
            report(Advance(2, 0, 0))
            report(Advance(3, 1, 0))

    monkeypatch.setattr("poolwise.jobs.ray_actor.make_parts", make)
    parts = [Part(4, 0, ()), Part(6, 0, ())]
    thread = Thread(target=actor._work, args=(None, parts))
    thread.start()
    first = actor.news()
    assert (first.messages, first.ended, begun) == ([4], False, [])
    second = actor.news()
    told = [*first.messages, *second.messages]
    while not second.ended:
        second = actor.news()
        told += second.messages
    thread.join()
    assert second.error is None
    assert [m for m in told if isinstance(m, int)] == begun == [4, 6]
    assert sum((m for m in told if not isinstance(m, int)), Advance(0, 0, 0)) == Advance(10, 2, 0)


def is_of_job(process):
    """Ray's agents for its dashboard and environments outlive what they serve by a minute."""
    return process.is_running() and "Agent" not in process.name()


def _embed(model, output, *options, **settings):
    text = output.parent / "in.txt"
    if not text.exists():
        text.write_text("".join(f"the cat sat on mat {n}\n" for n in range(3_000)))
    command = [sys.executable, "-m", "poolwise", "embed", model, text, "-o", f"{output}/"]
    return subprocess.Popen(
        [*command, "-r", "mean@-1", "--part-rows", "100", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@with_ray
def test_bytes_are_those_of_a_local_job_and_stdout_is_one_document(tiny, tmp_path):
    with _embed(tiny("bert"), tmp_path / "local") as local:
        _, err = local.communicate(timeout=300)
    assert local.returncode == 0, err
    on_ray = ["--ray", "local", "--workers", "1", "--json"]
    with _embed(tiny("bert"), tmp_path / "ray", *on_ray) as run:
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert (json.loads(out)["made_rows"], err) == (3_000, "")
    assert _files(tmp_path / "ray") == _files(tmp_path / "local")


@with_ray
def test_as_many_workers_as_cpus_are_refused(tiny, tmp_path):
    with _embed(tiny("bert"), tmp_path / "out", "--ray", "local", "--workers", "4096") as run:
        _, err = run.communicate(timeout=300)
    assert run.returncode == 2, err
    assert "4096 workers and one for Ray need 4097: ask for --workers" in err


@with_ray
def test_sigterm_ends_all_within_ten_seconds(tiny, tmp_path):
    output = tmp_path / "out"
    with _embed(tiny("bert"), output, "--ray", "local", "--workers", "1") as run:
        deadline = time.monotonic() + 300
        while not any(output.glob("part-*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.005)
        family = [p for p in psutil.Process(run.pid).children(recursive=True) if is_of_job(p)]
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=10)
    assert run.returncode == 128 + signal.SIGTERM, err
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert not any(output.glob(".*"))


@with_ray
def test_whatever_is_killed_each_row_is_there_once(tiny, tmp_path):
    harness = Path(__file__).with_name("ray_kills.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", harness, tmp_path, tiny("bert"), str(KILLS), SEED],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    jobs = [json.loads(line) for line in done.stdout.splitlines()]
    kills = sum((Counter(job["kills"]) for job in jobs), Counter())
    assert kills.total() == KILLS
    assert {*kills} == {"driver", "actor"} or KILLS < 10
