"""examples/serving: what runs ``poolwise doctor --watch`` has its options, alerts its metrics."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from poolwise.cli.doctor import KEY_VARIABLE, command
from poolwise.doctor import watch_metrics

EXAMPLES = Path(__file__).parents[2] / "examples" / "serving"


def given(arguments):
    """The options of ``poolwise doctor`` on this command line; a wrong one is an error."""
    assert arguments[:2] == ["poolwise", "doctor"]
    with command.make_context("doctor", arguments[2:]) as context:
        return context.params


@pytest.fixture(scope="module")
def documents():
    """The documents of a YAML file of the examples."""
    yaml = pytest.importorskip("yaml")
    return lambda name: list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def test_kubernetes(documents):
    claim, job = documents("watch.yaml")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    options = given(container["command"])
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts.keys() == {"/models", str(options["watch"].parent), "/tmp"}
    assert mounts["/models"]["readOnly"]
    assert {m["name"] for m in mounts.values()} == {volume["name"] for volume in pod["volumes"]}
    claims = [volume.get("persistentVolumeClaim", {}) for volume in pod["volumes"]]
    assert claim["metadata"]["name"] in [found.get("claimName") for found in claims]
    assert container["env"][0]["name"] == KEY_VARIABLE
    # A change is no passing failure: asking again would only hide it.
    assert job["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"


def test_crontab():
    lines = (EXAMPLES / "watch.crontab").read_text().splitlines()
    key, job = [line for line in lines if not line.startswith("#")]
    assert key == f"{KEY_VARIABLE}="
    *when, user, line = job.split(maxsplit=6)
    assert (len(when), user) == (5, "poolwise")
    watch_metrics.check_metrics(given(shlex.split(line))["metrics"])


def test_alerts_are_on_metrics_that_are_written(documents, tmp_path):
    (document,) = documents("alerts.yaml")
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    found = {name for rule in rules for name in re.findall(r"poolwise_\w+", rule["expr"])}
    assert len(found) == len(rules)
    written = {f"poolwise_doctor_{name}" for name in watch_metrics._MEANINGS}
    assert found <= written
    labels = {label for rule in rules for label in re.findall(r"\$labels\.(\w+)", str(rule))}
    watch_metrics.write_metrics(tmp_path / "down.prom", "a model", "a server", None)
    text = (tmp_path / "down.prom").read_text()
    assert labels == set(re.findall(r'(\w+)="', text))
