"""Workflows and issue templates: they parse, name targets that exist, ask for the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
GITHUB = ROOT / ".github"
TARGETS = set(
    re.findall(r"^([a-z][\w-]*):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
)
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
TEMPLATES = [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "question.yml")]


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_workflows_are_there():
    assert {path.stem for path in WORKFLOWS} >= {"tests", "docs", "wheels"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_that_exist_with_no_more_rights_than_it_needs(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps(workflow):
        assert ("run" in step) != ("uses" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@(v\d[\d.]*|release/v\d+)", step["uses"])
        for call in re.findall(r"^make (.*)$", step.get("run", ""), re.M):
            asked = re.findall(
                r"(?:^| )([a-z][\w-]*)(?![\w=-])", re.sub(r'\w+=("[^"]*"|\S+)', "", call)
            )
            assert asked
            assert {*asked} <= TARGETS


def test_every_python_that_is_promised_is_tested():
    workflow = read(GITHUB / "workflows" / "tests.yml")
    matrix = workflow["jobs"]["python"]["strategy"]["matrix"]
    told = {
        str(s["with"]["python-version"])
        for s in steps(workflow)
        if "with" in s and "python-version" in s["with"]
    }
    classified = re.findall(
        r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert {*classified} <= {*matrix["python"], *told}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_asks_for_the_environment(path):
    form = read(path)
    assert form["name"]
    assert form["description"]
    fields = {field.get("id"): field for field in form["body"]}
    assert len(fields) == len(form["body"])
    asked = fields["environment"]
    assert "`poolwise --version --verbose`" in asked["attributes"]["label"]
    assert asked.get("validations", {}).get("required", False) is (path.stem == "bug")


def test_links_of_the_issue_page_are_whole():
    for link in read(GITHUB / "ISSUE_TEMPLATE" / "config.yml")["contact_links"]:
        assert {"name", "url", "about"} == {*link}
        assert link["url"].startswith("https://")
