"""Measures what the pages quote: `make docs-results [ONLY="name …"]`.

Each recipe is run as its command line says, in a folder with the example data; what is kept goes
to docs/results/NAME.json, with commit and machine, and its charts to docs/pictures/NAME-CHART.svg,
for a light page and for a dark one.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from recipes import NOVELS, RECIPES, Recipe

from poolwise.reports.theme import DARK

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "benchmarks"))
from machine import describe  # noqa: E402
from revision import commit  # noqa: E402

RESULTS, PICTURES = ROOT / "docs/results", ROOT / "docs/pictures"
SAID = ("answer", "question", "verdict", "evidence", "notes")
"""What a result file has of a finding's words."""

EVERY = 8
"""The novels are read at every eighth sentence, as `make demo` reads them."""


def main(names: list[str]) -> None:
    """Runs the recipes of these names, all without any; one that fails ends the run."""
    unknown = {*names} - {recipe.name for recipe in RECIPES}
    if unknown:
        raise SystemExit(f"no recipe is called {', '.join(sorted(unknown))}")
    chosen = [recipe for recipe in RECIPES if not names or recipe.name in names]
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for number, recipe in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {recipe.name}: {recipe.command}", flush=True)
            write(recipe, *run(recipe, Path(folder)))


def prepare(folder: Path) -> None:
    """Copies the example data there, and what the scripts of the snippets are."""
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "docs/snippets", folder / "snippets", dirs_exist_ok=True)
    with gzip.open(ROOT / "examples/novels.txt.gz", "rt", encoding="utf-8") as lines:
        chosen = "".join(islice(lines, EVERY - 1, None, EVERY))
    (folder / NOVELS).write_text(chosen, encoding="utf-8")


def run(recipe: Recipe, folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Its findings, a sweep's answer among them, and the SVG images of its charts by name."""
    output = folder / "findings" / recipe.name
    command = recipe.command.replace("OUT", str(output))
    here = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    printed = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=here,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    if not output.exists():
        return [json.loads(printed)], {}
    return read(output)


def read(output: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What a command has written to its folder."""
    charts = {path.stem: path.read_text("utf-8") for path in sorted(output.glob("charts/*.svg"))}
    findings = json.loads((output / "findings.json").read_text("utf-8"))
    if (answer := output / "answer.json").exists():
        said = json.loads(answer.read_text("utf-8"))
        said.pop("charts", None)
        findings.insert(0, {"answer": said, "numbers": []})
    return findings, charts


def write(recipe: Recipe, findings: list[dict[str, Any]], charts: Mapping[str, str]) -> None:
    """One result file, and each chart that the pages show, twice."""
    result = {
        "command": recipe.command,
        "commit": commit(),
        "machine": describe("scikit-learn", "scipy"),
        "findings": [
            {
                **{name: finding[name] for name in SAID if finding.get(name)},
                "numbers": [*kept(finding["numbers"], recipe.numbers)],
            }
            for finding in findings
        ],
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    (RESULTS / f"{recipe.name}.json").write_text(text + "\n", encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob(f"{recipe.name}-*.svg"):
        old.unlink()
    for name, svg in charts.items():
        if name in recipe.pictures:
            path = PICTURES / f"{recipe.name}-{name}.svg"
            path.write_text(svg, encoding="utf-8")
            path.with_stem(f"{path.stem}-dark").write_text(darkened(svg), encoding="utf-8")


def kept(
    numbers: Iterable[Mapping[str, Any]], patterns: tuple[Mapping[str, object], ...]
) -> Iterator[dict[str, Any]]:
    """Those that a pattern agrees with, without the fields that say nothing."""
    for number in numbers:
        fields = {"name": number["name"], **number.get("where", {})}
        if not patterns or any(pattern.items() <= fields.items() for pattern in patterns):
            yield {
                key: value
                for key, value in number.items()
                if not (value is None or value is False or value == "")
            }


def darkened(svg: str) -> str:
    """The same image in the colours that a report has on a dark page."""
    return re.sub(
        "#[0-9a-f]{6}", lambda colour: DARK.get(colour[0], colour[0]), svg, flags=re.IGNORECASE
    )


if __name__ == "__main__":
    main(sys.argv[1:])
