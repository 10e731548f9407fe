"""What is said of a release in several places is the same in each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import poolwise

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
REPOSITORY = "https://github.com/poolwise/poolwise"


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recipe():
    """Of conda-forge."""
    return read("packaging/conda-forge/recipe.yaml")


def requirements(lines):
    """Name and floor of each requirement, however its blanks are set."""
    return {re.match(r"[\w-]+", line)[0]: line.replace(" ", "") for line in lines}


def test_the_recipe_has_the_requirements(recipe):
    told = requirements(recipe["requirements"]["run"])
    assert told.pop("python") == "python"
    assert told == requirements(PROJECT["dependencies"])
    host = requirements(recipe["requirements"]["host"])
    build = requirements(PYPROJECT["build-system"]["requires"])
    assert build.items() <= host.items()
    assert (
        f'match(python, "<{PROJECT["requires-python"].removeprefix(">=")}")'
        in recipe["build"]["skip"]
    )


def test_the_recipe_tests_what_it_installs(recipe):
    (python,) = (test["python"] for test in recipe["tests"] if "python" in test)
    assert python["pip_check"] is True
    assert {"poolwise", "poolwise._native"} == {*python["imports"]}
    (script,) = (test["script"] for test in recipe["tests"] if "script" in test)
    assert "poolwise --version --verbose" in script


def test_the_version_is_one(recipe):
    dockerfile = (ROOT / "examples/serving/Dockerfile").read_text(encoding="utf-8")
    assert PROJECT["version"] == poolwise.__version__
    assert recipe["context"]["version"] == poolwise.__version__
    assert read("CITATION.cff")["version"] == poolwise.__version__
    assert f"ARG VERSION={poolwise.__version__}\n" in dockerfile


def test_the_citation():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == PROJECT["authors"] == [{"name": "The poolwise authors"}]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert citation["repository-code"] == REPOSITORY
    assert {"message", "title", "type"} <= {*citation}


def test_addresses_are_the_sites_own(recipe):
    site = read("mkdocs.yml")
    assert PROJECT["urls"]["Source"] == site["repo_url"] == REPOSITORY
    assert PROJECT["urls"]["Documentation"] == site["site_url"] == recipe["about"]["documentation"]
    assert read("CITATION.cff")["url"] == site["site_url"]
    changelog = PROJECT["urls"]["Changelog"].removeprefix(f"{REPOSITORY}/blob/main/")
    assert (ROOT / changelog).is_file()


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_who_to_tell_is_said(name):
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    assert "in private" in text
