"""The configurations and splits of a Hugging Face dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from poolwise.texts.hub import DEFAULT_SPLIT, HubDataset, dataset_library
from poolwise.texts.hub_address import PREFIX, dataset_folder


@dataclass(frozen=True)
class HubConfigs:
    """The dataset ``name`` of the hub or a folder, as ``dataset_folder`` tells.

    Where a folder lists no configurations, each of its folders is one.
    """

    name: str

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of its configurations. Raises TextError where they cannot be read."""
        source = HubDataset(f"{PREFIX}{self.name}")
        source.check()
        if self._has_folders:
            return [entry.name for entry in sorted(Path(self._path).iterdir()) if entry.is_dir()]
        with source.reading():
            return [*dataset_library(source.label).get_dataset_config_names(self._path)]

    def splits(self, config: str) -> Sequence[str]:
        """The names of a configuration's splits. Raises TextError as ``names``."""
        path, name = self._path, config
        if self._has_folders:
            path, name = f"{path}/{config}", "default"
            saved = Path(path) / "dataset_dict.json"
            if saved.is_file():
                return [*json.loads(saved.read_text("utf-8"))["splits"]]
            if (Path(path) / "state.json").is_file():
                return [DEFAULT_SPLIT]
        source = HubDataset(f"{PREFIX}{path}")
        with source.reading():
            return [*dataset_library(source.label).get_dataset_split_names(path, name)]

    def input(self, config: str, split: str) -> str:
        """One split as an input: ``hf:NAME:CONFIG:SPLIT``."""
        separator = "/" if self._has_folders else ":"
        return f"{PREFIX}{self._path}{separator}{config}:{split}"

    @property
    def _path(self) -> str:
        folder = dataset_folder(self.name)
        return self.name if folder is None else str(folder)

    @cached_property
    def _has_folders(self) -> bool:
        """Is it a folder without a dataset card that could list configurations?"""
        folder = dataset_folder(self.name)
        return folder is not None and not _begins_with_yaml(folder / "README.md")


def _begins_with_yaml(readme: Path) -> bool:
    if not readme.is_file():
        return False
    with readme.open("rb") as file:
        return file.read(3) == b"---"
