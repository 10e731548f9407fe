"""The classes of labelled texts, checked."""

from __future__ import annotations

from collections import Counter

from poolwise.errors import StudyError
from poolwise.selection.label_kinds import check_single
from poolwise.texts import LabelledTexts


def checked_classes(data: LabelledTexts) -> list[str]:
    """The labels, in alphabetical order.

    Raises StudyError for fewer than two, very many, or several in one field.
    """
    counts = Counter(data.labels)
    if len(counts) < 2:
        only = next(iter(counts), "")
        raise StudyError(
            f"{data.name}: every text has the label {only!r}; what learns from labels "
            "tells at least two of them apart"
        )
    check_single(data)
    check_number(data, len(counts))
    return sorted(counts)


def check_number(data: LabelledTexts, labels: int) -> None:
    """Raises StudyError for so many labels that they seem to be something else."""
    if labels > len(data) / 2:
        raise StudyError(
            f"{data.name}: {labels:,} labels for {len(data):,} texts; a label should "
            "name many texts. Is this the label column? Name it with --label-column"
        )
