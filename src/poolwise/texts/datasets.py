"""What a user gives to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poolwise.records import Labelled, Pairs, Tagged
from poolwise.texts.texts import Texts

Data = Pairs | Labelled | Tagged | Texts
"""One set of them."""


@dataclass(frozen=True, slots=True)
class Material:
    """Sets of data by kind, as many as there are of each."""

    pairs: Sequence[Pairs] = ()
    labels: Sequence[Labelled] = ()
    tags: Sequence[Tagged] = ()
    texts: Sequence[Texts] = ()
