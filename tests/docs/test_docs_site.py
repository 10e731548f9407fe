"""The menu and the pages agree; links lead to pages; POOLWISE_SITE=1 builds the whole site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "scripts/docs"))
import links  # noqa: E402
import llms  # noqa: E402
from menu import entries  # noqa: E402
from page_text import BLOB  # noqa: E402
from reference import PAGES, write_pages  # noqa: E402

GENERATED = {f"reference/{name}.md" for name in PAGES}
WRITTEN = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if path.parent.name not in {"reference", "snippets"}
)

CODE = re.compile(r"^( *)(```+).*?^\1\2 *$|`[^`\n]+`", re.DOTALL | re.MULTILINE)


def test_the_menu_has_every_page():
    menu = [entry.path for entry in entries()]
    assert len(menu) == len({*menu})
    assert {*menu} == {*WRITTEN} | GENERATED


@pytest.mark.parametrize("name", WRITTEN)
def test_links_of_a_page_lead_to_pages_pictures_and_sources(name):
    page = DOCS / name
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", text)):
        target = link.partition("#")[0]
        if target.startswith(f"{BLOB}/"):
            assert (ROOT / target.removeprefix(f"{BLOB}/")).exists(), link
        elif target and "://" not in target:
            path = Path(os.path.normpath(page.parent / target))
            assert path.is_relative_to(DOCS), f"{link} leads out of the site"
            assert path.is_file() or path.relative_to(DOCS).as_posix() in GENERATED, link


def test_a_broken_link_of_a_built_site_is_told(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "index.html").write_text(
        '<h2 id="here"></h2><a href="one/"></a><a href="two/"></a>'
    )
    (tmp_path / "one/index.html").write_text(
        '<a href="../#here"></a><a href="../#there"></a><a href="http://example.org"></a>'
    )
    assert [*links.broken(tmp_path)] == [
        "index.html: two/: no such page",
        "one/index.html: ../#there: no such place",
        "one/index.html: http://example.org: expected https",
    ]


@pytest.mark.skipif("POOLWISE_SITE" not in os.environ, reason="POOLWISE_SITE=1 builds the site")
def test_the_site_is_built_without_a_warning(tmp_path):
    """As ``make docs`` does, on a copy, so that nothing in the repository changes."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("reference"))
    write_pages(tmp_path / "docs")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert config.count("paths: [src]") == 1
    config = config.replace("paths: [src]", f"paths: [{ROOT / 'src'}]")
    (tmp_path / "mkdocs.yml").write_text(config, encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-2000:]
    assert "issue" not in built.stdout
    site = tmp_path / "out/site"
    llms.write(site, tmp_path / "docs")
    assert [*links.broken(site)] == []
