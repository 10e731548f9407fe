"""examples/serving: files that machines read are what these machines, and the server, expect."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import poolwise
from poolwise.serving.config import ServeConfig, read_config, settings_of
from poolwise.serving.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples" / "serving"
TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]


@pytest.fixture(scope="module")
def drain_seconds():
    """Of the example's settings."""
    return settings_of(read_config(EXAMPLES / "serve.toml").settings).drain_seconds


@pytest.fixture(scope="module")
def manifests():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())
    return {manifest["kind"]: manifest for manifest in found}


@pytest.fixture(scope="module")
def public_paths():
    """What is answered without a key."""
    from poolwise.serving.application import operations

    return {o.path for o in operations(Settings()) if o.public and o.method == "GET"}


def test_config_tells_every_setting_with_its_default():
    lines = (EXAMPLES / "serve.toml").read_text().partition("with its default:\n")[2].splitlines()
    told = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines))
    settings = settings_of(told)
    assert settings == Settings()
    names = {field.name for field in fields(Settings)} - {"api_keys", "drain_seconds"}
    assert set(told) == names


def test_config_serves(live_server, tiny, tmp_path_factory):
    """The example's, of another folder and address."""
    config = (EXAMPLES / "serve.toml").read_text()
    ours = config.replace("/models/encoder", str(tiny("bert"))).replace("0.0.0.0", "127.0.0.1")
    path = tmp_path_factory.mktemp("config") / "serve.toml"
    path.write_text(ours)
    assert live_server("--config", path)


def test_dockerfile(public_paths):
    lines = (EXAMPLES / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    instructions = dict(line.split(" ", 1) for line in lines if line and line[0] not in "# ")
    assert int(instructions["USER"]) > 0
    command = json.loads(re.search(r"CMD (\[.*\])", instructions["HEALTHCHECK"])[1])
    port = read_config(EXAMPLES / "serve.toml").port
    path = re.search(rf"http://127.0.0.1:{port}(/\w+)", command[-1])[1]
    assert path in public_paths
    compile(command[-1], "HEALTHCHECK", "exec")
    assert int(instructions["EXPOSE"]) == port
    assert json.loads(instructions["ENTRYPOINT"]) == ["poolwise", "serve"]
    arguments = json.loads(instructions["CMD"])
    assert instructions["COPY"].split() == [
        "serve.toml",
        arguments[arguments.index("--config") + 1],
    ]


def test_kubernetes_probes_and_end(manifests, public_paths):
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in public_paths
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    config = _config_of(manifests["ConfigMap"])
    drain = settings_of(config.settings).drain_seconds
    assert pod["terminationGracePeriodSeconds"] >= waits + drain
    assert container["ports"][0]["containerPort"] == config.port
    assert manifests["Service"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        manifests["Deployment"]["spec"]["selector"]["matchLabels"],
        manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        manifests["Service"]["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    target = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
    assert target == manifests["Deployment"]["metadata"]["name"]


def test_kubernetes_serves_what_the_others_do(manifests):
    assert _config_of(manifests["ConfigMap"]) == read_config(EXAMPLES / "serve.toml")


def _config_of(manifest) -> ServeConfig:

    import msgspec

    return msgspec.convert(tomllib.loads(manifest["data"]["serve.toml"]), ServeConfig)


def test_systemd_unit_waits_for_the_end(drain_seconds):
    unit = (EXAMPLES / "poolwise.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)[1]) > drain_seconds


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_unit(tmp_path):
    unit = tmp_path / "poolwise.service"
    text = (EXAMPLES / "poolwise.service").read_text()
    unit.write_text(text.replace("/opt/poolwise/bin/poolwise", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    complaints = [line for line in done.stderr.splitlines() if "poolwise.service" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


@pytest.mark.skipif(not os.environ.get("POOLWISE_RAY"), reason="make soak runs it: Ray takes 2 GB")
@pytest.mark.skipif(find_spec("ray") is None, reason="ray[serve] is not installed")
def test_ray_serve(tiny, tmp_path):
    folder = tiny("bert")
    environment = {
        **os.environ,
        "PYTHONPATH": str(EXAMPLES),
        "POOLWISE_MODEL": str(folder),
        "POOLWISE_READOUTS": "mean@-1 cls@-2|l2",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("ray_requests.py")
    command = [sys.executable, script, str(port), "mean@-1", *TEXTS]
    done = subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads(done.stdout.splitlines()[-1])
    expected = poolwise.load(folder).embed(TEXTS, "mean@-1")
    together, *alone = told["replies"]
    assert together["header"] == together["readout"] == "mean@-1"
    np.testing.assert_array_equal(_vectors(together), expected)
    np.testing.assert_array_equal(
        np.concatenate([_vectors(reply) for reply in alone]), np.tile(expected, (8, 1))
    )
    assert told["ready"] == {"status": "ready"}


def _vectors(reply):
    return np.array([row["embedding"] for row in reply["data"]], np.float32)
