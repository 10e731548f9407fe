"""Every number that a page or the README quotes stands in a result file that it names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts/docs"))
from quotes import Results, missing, quotes, sources  # noqa: E402

GENERATED = {"loaders.md"}
"""Results themselves, written by the command that measures them."""

PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.parent.name not in {"reference", "snippets"} and page.name not in GENERATED
    ),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_quoted_number_is_in_a_named_result(page: Path):
    text = page.read_text(encoding="utf-8")
    assert missing(text, Results(sources(text))) == []


@pytest.mark.parametrize(
    ("quote", "holds"),
    [
        ("0.042 [0.026, 0.058]", True),
        ("0.04 [0.03, 0.06]", True),
        ("0.043 [0.026, 0.058]", False),
        ("0.042 [0.026, 0.059]", False),
        ("4 %", True),
        ("5 %", False),
        ("0.7", False),
        ("0.91", True),
        ("it loses 0.31", True),
        ("it loses −0.31", True),
        ("it loses +0.31", False),
        ("10,003 texts", True),
        ("10,004 texts", False),
        ("in 12 ms", False),
        ("`0.7`, [0.7](https://0.7) is no prose", False),
        ("mean@-1 of 6 layers", True),
    ],
)
def test_a_number_is_held_as_it_is_rounded(tmp_path, quote, holds):
    file = tmp_path / "result.json"
    file.write_text(
        '{"numbers": [{"value": 0.0416, "low": 0.0263, "high": 0.0577}, {"value": -0.312}],'
        ' "verdict": "of 10,003 rows, 9.1e-01"}'
    )
    assert (missing(quote, Results([file])) == []) is holds


def test_what_is_no_prose_is_not_read():
    page = (
        "---\nresults: [a]\n---\n`0.7` [x](y/0.7.md)\n\n```\n0.7\n```\n\n    0.7\n\n0.8 then 9 ms"
    )
    assert [quote.text for quote in quotes(page)] == ["0.8", "9"]
