"""What labels are: names of classes, numbers, or several names in one field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from poolwise.errors import StudyError
from poolwise.texts import LabelledTexts
from poolwise.texts.fields import are_numbers, is_number

SCALE = 11
"""The most steps of a scale such as 0 … 10."""

SEPARATORS = (",", ";", "|")

_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")


def has_numbers(data: LabelledTexts) -> bool:
    """Are the labels numbers: by their kind, or where that is unknown by what they look like?"""
    return are_numbers(data.labels) if data.kind is None else data.kind == "regression"


def scale_notes(labels: Sequence[str]) -> Iterator[str]:
    """A note on classes that look like the steps of a scale: some consecutive integers."""
    different = set(labels)
    if not 3 <= len(different) <= SCALE or not all(map(is_number, different)):
        return
    values = sorted(map(float, different))
    if values[-1] - values[0] + 1 == len(values) and all(map(float.is_integer, values)):
        yield (
            f"the labels {values[0]:g} … {values[-1]:g} are taken as classes; if they are a scale, "
            "the score R2 takes them as numbers"
        )


def check_classes(data: LabelledTexts, question: str) -> None:
    """Raises StudyError where the labels are numbers; ``question`` needs classes."""
    if has_numbers(data):
        raise StudyError(
            f"{data.name}: the labels are numbers, such as {data.labels[0]}; {question} needs "
            "labels that name classes. Ask classification or layers instead: they predict numbers"
        )


def check_single(data: LabelledTexts) -> None:
    """Raises StudyError where fields hold several labels: there are fewer of these than of their
    combinations."""
    different = set(data.labels)
    for separator in SEPARATORS:
        several = [label for label in data.labels if separator in label]
        parts = {part.strip() for label in different for part in label.split(separator)}
        if not several or len(parts) >= len(different):
            continue
        found = f"{data.name}: {len(several):,} of {len(data):,} labels hold {separator!r}, such as"
        if separator == "," and all(map(_DECIMAL_COMMA.fullmatch, different)):
            raise StudyError(
                f"{found} {several[0]!r}. If they are numbers, write them with a point; if each is "
                "several labels, give one label a text"
            )
        raise StudyError(
            f"{found} {several[0]!r}: several labels a text; expected one. Give one column a label "
            "(yes or no) with --label-column, one after another; poolwise tune --kind multilabel "
            "learns several at once, with ';' between them"
        )
