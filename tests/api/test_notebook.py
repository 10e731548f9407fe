"""The notebook of examples/, executed from top to bottom by this Python's kernel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
nbformat.write(notebook, sys.argv[2])
"""
"""In a process of its own: a client leaves sockets open."""


@pytest.fixture(scope="module")
def executed(demo, tmp_path_factory):  # demo: skipped where the model cannot be had
    """The cells of code, with their outputs."""
    nbformat = pytest.importorskip("nbformat", reason="pip install nbformat")
    for package in ("nbclient", "ipykernel", "sentence_transformers"):
        pytest.importorskip(package, reason=f"pip install {package}")
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(EXAMPLES / "banking77.csv", folder)
    notebook = nbformat.read(EXAMPLES / "sweep.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    script = [sys.executable, "-W", "ignore", "-c", EXECUTE, EXAMPLES / "sweep.ipynb"]
    subprocess.run([*script, folder / "executed.ipynb"], cwd=folder, check=True)
    notebook = nbformat.read(folder / "executed.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_data(cells, kind):
    """What the cells show in this MIME type."""
    bundles = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return [bundle[mime] for bundle in bundles for mime in bundle if re.fullmatch(kind, mime)]


def test_the_notebook_shows_its_result_and_a_chart(executed):
    (summary,) = [h for h in output_data(executed, "text/html") if 'class="poolwise"' in h]
    assert "accuracy" in summary
    (chart,) = output_data(executed, r"application/vnd\.vegalite\.v\d\+json")
    assert "vega-lite" in chart["$schema"]
    assert output_data(executed, "text/plain")


def test_the_export_gives_the_same_vectors(executed):
    printed = "".join(o.text for o in executed[-1].outputs if o.get("name") == "stdout")
    assert printed.strip() == "equal: True"


def test_nothing_is_warned_of(executed):
    errors = [o for c in executed for o in c.outputs if o.get("name") == "stderr"]
    warned = [o.text for o in errors if "Warning" in o.text]
    assert not [text for text in warned if "TqdmWarning" not in text]  # of tqdm: no ipywidgets
