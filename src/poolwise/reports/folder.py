"""The folder of a report: a new one or, where training resumes, files in its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from poolwise.errors import StoreError
from poolwise.files import (
    clear_leftovers,
    folders_above,
    hidden_folder,
    os_errors_as,
    real_path,
    replace_files,
    sync_tree,
    whole_folder,
)

PAGE, FINDINGS, ANSWER, CHARTS = "report.html", "findings.json", "answer.json", "charts"
IMAGE_SUFFIXES = ("svg", "png")
SWEEP_FILES = ("scores.parquet", "readout.toml", "readout.safetensors")


def report_folder(folder: Path, *, force: bool) -> AbstractContextManager[Path]:
    """An empty folder to write a report to, which takes the name ``folder``; ``force`` takes the
    place of a folder that holds a report, a sweep's files, and nothing else. See ``whole_folder``.
    """
    return whole_folder(folder, replace=force, foreign=_foreign, kind="a report", parents=True)


@contextmanager
def resumed_folder(folder: Path, *, study: str, force: bool) -> Iterator[Path]:
    """An empty folder to write a report to, whose files go into ``folder`` when the block ends
    without error, beside all other files in it.

    Only a report of the same ``study`` is replaced, and only with ``force``. Its files are removed
    first and the page comes last: no file of the old report is ever beside one of the new, and
    where the page is, all are. A process killed in between leaves some of them absent; the results
    of training that they come from remain. Raises StoreError at once where the folder cannot be
    written.
    """
    with os_errors_as(folder):
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file; expected the name of a folder")
        old = _replaced(folder, study, force)
        clear_leftovers(folder)
    path = real_path(folder) / "report"
    with folders_above(path, target=folder), hidden_folder(path, target=folder) as partial:
        yield partial
        with os_errors_as(folder):
            sync_tree(partial)
            replace_files(partial, folder, old=reversed(old), new=_files_of(partial))


def _replaced(folder: Path, study: str, force: bool) -> list[Path]:
    """The files of the report that lies in ``folder``. Raises StoreError if it is not to be
    replaced."""
    if not (folder / PAGE).exists() and not (folder / FINDINGS).exists():
        return []
    if {finding["study"] for finding in _findings(folder)} != {study}:
        raise StoreError(
            f"{folder} holds another report, which would be lost; choose another folder"
        )
    # Without a page it is left by a killed process.
    if not force and (folder / PAGE).exists():
        raise StoreError(
            f"{folder} holds a report; choose another folder, or --force to replace it"
        )
    return _files_of(folder)


def _files_of(folder: Path) -> list[Path]:
    """The report's files, relative to ``folder``: findings.json first, the page last."""
    charts = [
        Path(CHARTS, f"{name}.{suffix}") for name in _charts(folder) for suffix in IMAGE_SUFFIXES
    ]
    optional = [path for path in (Path(ANSWER), *charts) if (folder / path).exists()]
    return [Path(FINDINGS), *optional, Path(PAGE)]


def chart_names(charts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A file's name for each chart, from its study and its kind."""
    counts: dict[str, int] = {}
    for study, kind in charts:
        name = re.sub(r"[^a-z0-9]+", "-", f"{study}-{kind}".lower()).strip("-") or "chart"
        counts[name] = counts.get(name, 0) + 1
        yield name if counts[name] == 1 else f"{name}-{counts[name]}"


def _foreign(folder: Path) -> Iterator[str]:
    """Files that are no part of a report or of a sweep."""
    own_files = {*_files_of(folder), *map(Path, SWEEP_FILES)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name not in own_files and name != Path(CHARTS):
            yield str(name)


def _charts(folder: Path) -> list[str]:
    return [*chart_names((f["study"], c["kind"]) for f in _findings(folder) for c in f["charts"])]


def _findings(folder: Path) -> list[dict[str, Any]]:
    """Studies and kinds of charts in findings.json; none where it is absent or not a report's."""
    try:
        findings = json.loads((folder / FINDINGS).read_text("utf-8"))
        return [
            {"study": str(f["study"]), "charts": [{"kind": str(c["kind"])} for c in f["charts"]]}
            for f in findings
        ]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
