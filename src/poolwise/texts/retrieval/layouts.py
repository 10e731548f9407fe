"""Where a retrieval set's three parts are: BEIR's folders, and MTEB's Hugging Face datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poolwise.errors import TextError, listed
from poolwise.texts.compression import COMPRESSED
from poolwise.texts.hub_address import PREFIX, address_parts, dataset_folder, is_dataset
from poolwise.texts.hub_configs import HubConfigs
from poolwise.texts.split_names import find_split
from poolwise.texts.tables import Input

_SUFFIXES = (".jsonl", ".parquet", ".tsv", ".csv", ".json", ".ndjson")
_QRELS_SUFFIXES = (".tsv", ".txt", ".qrels", ".trec", *_SUFFIXES)

BEIR = "corpus.jsonl, queries.jsonl and qrels/test.tsv (BEIR's layout)"


@dataclass(frozen=True, slots=True)
class RetrievalLayout:
    """Inputs of queries, of the corpus, and of relevance by split ("" for what has none)."""

    name: str
    queries: Sequence[Input]
    corpus: Sequence[Input]
    relevance: Mapping[str, Sequence[Input]]


def find_layout(source: str) -> RetrievalLayout | None:
    """The layout of a folder or a Hugging Face dataset; None of what is neither, and of a dataset
    without a corpus. Raises TextError for a folder that holds no retrieval set."""
    if is_dataset(source):
        local = dataset_folder(source.removeprefix(PREFIX))
        return (_beir(local) if local is not None else None) or _mteb(source)
    folder = Path(source)
    if not folder.is_dir():
        return None
    layout = _beir(folder) or _mteb(f"{PREFIX}{folder.resolve()}", folder.resolve().name)
    if layout is None:
        names = listed(sorted(entry.name for entry in folder.iterdir()), limit=10) or "nothing"
        raise TextError(
            f"{source} is no retrieval set: found {names}, expected {BEIR}, or a Hugging Face "
            "dataset with the configurations corpus, queries and default (MTEB's)"
        )
    return layout


def _beir(folder: Path) -> RetrievalLayout | None:
    queries, corpus = (_part(folder, name) for name in ("queries", "corpus"))
    qrels = folder / "qrels"
    files = sorted(qrels.iterdir()) if qrels.is_dir() else sorted(folder.glob("qrels*"))
    judged = [file for file in files if _suffix(file) in _QRELS_SUFFIXES and file.is_file()]
    if not (queries and corpus and judged):
        return None
    relevance: dict[str, list[Input]] = {}
    for file in judged:
        split = find_split(file.name.split(".")[0]) if qrels.is_dir() else ""
        if split is None:
            raise TextError(
                f"{file}: expected the name of a split (train.tsv, dev.tsv, test.tsv); to read it, "
                f"say --queries {queries} --corpus {corpus} --relevance {file}"
            )
        relevance.setdefault(split, []).append(str(file))
    return RetrievalLayout(folder.resolve().name, [str(queries)], [str(corpus)], relevance)


def _part(folder: Path, name: str) -> Path | None:
    """The file ``name.jsonl``, in any format and compression. Raises TextError for several."""
    files = [
        file
        for file in sorted(folder.glob(f"{name}.*"))
        if file.name.split(".")[0] == name and _suffix(file) in _SUFFIXES and file.is_file()
    ]
    if len(files) > 1:
        raise TextError(
            f"{folder} holds {listed(file.name for file in files)}, expected one of them; name the "
            "files with --queries, --corpus and --relevance"
        )
    return files[0] if files else None


def _suffix(file: Path) -> str:
    return (file.with_suffix("") if file.suffix.lower() in COMPRESSED else file).suffix.lower()


def _mteb(source: str, name: str | None = None) -> RetrievalLayout | None:
    """MTEB's configurations: ``corpus``, ``queries`` and ``default`` (or ``qrels``), of a language
    or subset ``de-corpus``, ``de-queries``, ``de-qrels``; its splits are those of the judgments."""
    address, *wanted = address_parts(source)
    configs = HubConfigs(address)
    names = configs.names
    subset, split = _subset_and_split(names, wanted)
    prefix = f"{subset}-" if subset else ""
    corpus, queries, relevance = (
        next((prefix + name for name in candidates if prefix + name in names), None)
        for candidates in (("corpus",), ("query", "queries"), ("default", "qrels"))
    )
    if not (corpus and queries and relevance):
        subsets = sorted(n.removesuffix("-corpus") for n in names if n.endswith("-corpus"))
        if subsets and not subset:
            raise TextError(
                f"{source}: found the subsets {listed(subsets)}, expected one of them: "
                f"{source}:{subsets[0]}"
            )
        if corpus and queries:
            raise TextError(
                f"{source}: found the configurations {corpus} and {queries}, but no judgments "
                "(default, qrels); name all three with --queries, --corpus and --relevance"
            )
        return None
    judged = configs.splits(relevance)
    chosen = judged if split is None else _named_split(judged, split)
    if not chosen:
        raise TextError(f"{source}: found the splits {listed(judged)}, but no {split!r}")
    by_split: dict[str, list[Input]] = {}
    for part in chosen:
        by_split.setdefault(find_split(part) or "", []).append(configs.input(relevance, part))
    return RetrievalLayout(
        name or re.split(r"[/\\]", source.removeprefix(PREFIX).rstrip("/\\"))[-1],
        _inputs(configs, queries, chosen),
        _inputs(configs, corpus, chosen),
        by_split,
    )


def _inputs(configs: HubConfigs, config: str, splits: Sequence[str]) -> list[str]:
    """Those of the splits of the judgments that the configuration has, else all it has."""
    available = configs.splits(config)
    same = [split for split in splits if split in available]
    return [configs.input(config, split) for split in same or available]


def _subset_and_split(names: Sequence[str], wanted: Sequence[str]) -> tuple[str, str | None]:
    match list(wanted):
        case [subset, split]:
            return subset, split
        case [part] if f"{part}-corpus" in names:
            return part, None
        case [part]:
            return "", part
    return "", None


def _named_split(splits: Sequence[str], name: str) -> Sequence[str]:
    """The split of this name, else the one that means the same: ``dev`` is ``validation``."""
    if name in splits:
        return [name]
    return [split for split in splits if find_split(split) == find_split(name) is not None]
