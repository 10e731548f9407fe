"""The models that the doctor is measured with: the demo model, and tiny encoders of the tests.

Vectors are made by the tests' own oracle, tests/doctor/oracles.py, with transformers and torch.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import transformers

import poolwise
from poolwise.doctor.reader import Doubles, Reader
from poolwise.doctor.reading import Reading
from poolwise.records import LongTexts

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS / "doctor"))

from tiny_models import DOCTOR_FAMILIES, POSITIONS, save_modules, write_distinct  # noqa: E402

DENSE = (("Dense", 32, "Tanh"), ("Dense", 32, "Identity"), "Normalize")
"""After the tiny encoders: a chain, of which parts may be left out."""

transformers.utils.logging.disable_progress_bar()
warnings.filterwarnings("ignore", message=".* leaves out dense|.* were cut to")
warnings.filterwarnings("ignore", module="torch")


@cache
def _tests() -> object:
    """tests/conftest.py, which writes tiny encoders."""
    spec = importlib.util.spec_from_file_location("poolwise_tests", TESTS / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Models:
    """Folders of tiny encoders, written into ``temporary`` as they are asked for."""

    temporary: Path
    families: Sequence[str] = DOCTOR_FAMILIES
    _made: dict[str, Path] = field(default_factory=dict)

    def demo(self) -> Path:
        return Path(poolwise.load("demo").folder)

    def tiny(self, family: str, *, seed: int = 0, noise: float = 0.0, width: int = 32) -> Path:
        """A tiny encoder: another ``seed`` is another model, ``noise`` the same one trained on."""
        name = f"{family}-{seed}-{noise:g}-{width}"
        if name not in self._made:
            source, self._made[name] = self.temporary / f"source-{name}", self.temporary / name
            behind = 2 if family in ("roberta", "mpnet") else 0  # positions begin behind the pad's
            shape = {"max_position_embeddings": POSITIONS + behind}
            if width != 32:
                shape |= {"dim" if family == "distilbert" else "hidden_size": width}
            _tests().write_tiny(source, family, True, shape)  # type: ignore[attr-defined]
            write_distinct(source, self._made[name], seed=seed, noise=noise)
        return self._made[name]

    def with_dense(self, family: str) -> Path:
        """The encoder with a chain of Dense modules after the mean."""
        name = f"{family}-dense"
        if name not in self._made:
            self._made[name] = self.temporary / name
            save_modules(self.tiny(family), self._made[name], "mean", *DENSE)
        return self._made[name]


class CachingReader(Reader):
    """Computes each text once a reading, for what is asked again and again with other vectors."""

    def __init__(self, model: poolwise.Model) -> None:
        super().__init__(model)
        self._rows: dict[tuple[Reading, str], dict[str, Doubles]] = {}

    def vectors(
        self,
        reading: Reading,
        texts: Sequence[str],
        specs: Sequence[str],
        *,
        long: LongTexts = "truncate",
    ) -> dict[str, Doubles]:
        if long != "truncate":
            return super().vectors(reading, texts, specs, long=long)
        known = [self._rows.setdefault((reading, text), {}) for text in texts]
        missing = {
            text: row
            for text, row in zip(texts, known, strict=True)
            if any(spec not in row for spec in specs)
        }
        if missing:
            made = super().vectors(reading, list(missing), specs)
            for number, row in enumerate(missing.values()):
                row |= {spec: made[spec][number] for spec in specs}
        return {spec: np.stack([row[spec] for row in known]) for spec in specs}
