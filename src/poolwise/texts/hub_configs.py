"""The configurations and splits of a Hugging Face dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from poolwise.texts.hub import PREFIX, HubDataset, dataset_folder, dataset_library


@dataclass(frozen=True)
class HubConfigs:
    """The dataset ``name`` of the hub or a folder, which begins with ``.``, ``/`` or ``~``.

    Where a folder lists no configurations, each of its folders is one.
    """

    name: str

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of its configurations. Raises TextError where they cannot be read."""
        if self._folders:
            return [folder.name for folder in self._folders]
        source = HubDataset(f"{PREFIX}{self.name}")
        source.check()
        with source.reading():
            return [*dataset_library(source.label).get_dataset_config_names(self._path)]

    def splits(self, config: str) -> Sequence[str]:
        """The names of a configuration's splits."""
        if not self._folders:
            source = HubDataset(f"{PREFIX}{self.name}")
            with source.reading():
                library = dataset_library(source.label)
                return [*library.get_dataset_split_names(self._path, config)]
        saved = Path(self._path) / config / "dataset_dict.json"
        if saved.is_file():
            return [*json.loads(saved.read_text("utf-8"))["splits"]]
        return HubConfigs(f"{self._path}/{config}").splits("default")

    def input(self, config: str, split: str) -> str:
        """One split as an input: ``hf:NAME:CONFIG:SPLIT``."""
        name = f"{self._path}/{config}" if self._folders else f"{self._path}:{config}"
        return f"{PREFIX}{name}:{split}"

    @property
    def _path(self) -> str:
        folder = dataset_folder(self.name)
        return self.name if folder is None else str(folder)

    @cached_property
    def _folders(self) -> Sequence[Path]:
        """The folders of a folder without a README.md that hold a dataset each."""
        folder = dataset_folder(self.name)
        if folder is None or not folder.is_dir() or (folder / "README.md").is_file():
            return []
        return [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]
