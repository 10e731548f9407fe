"""The code on the site's pages: each file of docs/snippets runs, and pages hold no other code.

A `.py` runs in this process and a `.sh` in bash, in a folder with the example data. A first line
`# long` leaves a file to `POOLWISE_SNIPPETS=all`, which `make soak` sets.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SNIPPETS = DOCS / "snippets"
sys.path.insert(0, str(ROOT / "scripts/docs"))
from results import prepare  # noqa: E402

PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if page.relative_to(DOCS).parts[0] not in {"reference", "snippets"}
]
FILES = sorted(path for path in SNIPPETS.rglob("*") if path.is_file())
SECONDS = 3600 if os.environ.get("POOLWISE_SNIPPETS") else 300
"""Until a shell script is ended."""

INCLUDE = re.compile(r'--8<-- "([^":]+)(?::([^"]+))?"')
FENCE = re.compile(
    r"^(?P<indent> *)```(?:python|pycon|bash|sh|shell|console)\b[^\n]*\n"
    r"(?P<body>.*?)^(?P=indent)```",
    re.DOTALL | re.MULTILINE,
)


def snippets(ending: str) -> list[object]:
    """The scripts of one kind; those that take long only when they are asked for."""
    return [
        pytest.param(
            path,
            id=path.stem,
            marks=pytest.mark.skipif(
                path.read_text(encoding="utf-8").startswith("# long")
                and os.environ.get("POOLWISE_SNIPPETS") != "all",
                reason="takes long: POOLWISE_SNIPPETS=all",
            ),
        )
        for path in FILES
        if path.suffix == ending
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example data, prepared once."""
    folder = tmp_path_factory.mktemp("data")
    prepare(folder)
    return folder


@pytest.fixture
def folder(demo, data: Path, tmp_path: Path) -> Path:
    """One snippet's own folder with the example data."""
    return shutil.copytree(data, tmp_path / "folder")


@pytest.mark.parametrize("path", snippets(".py"))
def test_python_runs(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    runpy.run_path(str(path), run_name="__main__")


@pytest.mark.parametrize("path", snippets(".sh"))
def test_shell_runs(path: Path, folder: Path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        # What is installed or cloned is this version: the wheel of `make wheel`, this repository.
        "PIP_FIND_LINKS": str(ROOT / "out/dist"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/poolwise/poolwise",
    }
    with (folder.parent / "output").open("w+", encoding="utf-8") as output:
        # Servers that a script leaves behind end with its group.
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", str(path)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        assert code == 0, output.read()


def test_every_snippet_is_on_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    included = {match[1] for match in INCLUDE.finditer(text)}
    assert {path.relative_to(SNIPPETS).as_posix() for path in FILES} - included == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_has_no_code_but_snippets(page: Path):
    text = page.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        lines = [line for line in fence["body"].splitlines() if line.strip()]
        assert lines, fence[0]
        assert all(INCLUDE.fullmatch(line.strip()) for line in lines), fence[0]
    for name, section in INCLUDE.findall(text):
        snippet = (SNIPPETS / name).read_text(encoding="utf-8")
        if section:
            for end in ("start", "end"):
                assert snippet.count(f"--8<-- [{end}:{section}]") == 1, (name, section)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('```bash\n--8<-- "a.sh"\n```', 0),
        ("```python\nx = 1\n```", 1),
        ("  ```bash\n  ls\n  ```", 1),
        ("```toml\na = 1\n```\n", 0),
        ("```python title='a'\nx\n```", 1),
    ],
)
def test_code_that_is_written_on_a_page_is_found(text, code):
    found = [
        fence
        for fence in FENCE.finditer(text)
        if not all(INCLUDE.fullmatch(line.strip()) for line in fence["body"].splitlines())
    ]
    assert len(found) == code
