"""A small corpus, and what a job that nothing interrupts makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import poolwise

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from job_files import files_of, write_corpus


@dataclass(frozen=True)
class SmallCorpus:
    """``inputs`` with ``rows`` rows; ``asked`` is what a job is asked, without an output."""

    rows: int
    inputs: list[str]
    asked: dict[str, Any]
    whole: dict[str, bytes]

    def embed(self, output: Path, **options: Any) -> Any:
        return poolwise.embed_corpus(output=output, **{**self.asked, **options})

    def files(self, output: Path) -> dict[str, bytes]:
        """All that lies in a job's folder."""
        return files_of(output)

    def command(self, output: Path, *options: str) -> list[str]:
        """``poolwise embed`` of the same."""
        return [
            "embed", str(self.asked["model"]), *self.inputs, "-o", f"{output}/",
            "--id-column", "name", "--keep", "stars", "-r", "mean@-1", "-r", "cls@-2|l2",
            "--part-rows", str(self.asked["part_rows"]), *options,
        ]  # fmt: skip


@pytest.fixture(scope="session")
def small_corpus(tiny, tmp_path_factory) -> SmallCorpus:
    """1,200 rows in 30 parts; some rows have no text."""
    folder = tmp_path_factory.mktemp("corpus")
    inputs = write_corpus(folder, 1200)
    asked = {
        "model": tiny("bert"), "inputs": inputs, "readouts": ["mean@-1", "cls@-2|l2"],
        "id_column": "name", "keep": ["stars"], "part_rows": 40,
    }  # fmt: skip
    poolwise.embed_corpus(output=folder / "whole", **asked)
    return SmallCorpus(1200, inputs, asked, files_of(folder / "whole"))
