"""What all tasks of labelled texts have in common: the texts, which are alike, and the folds."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.encoders.modules.prompts import TextKind
from poolwise.errors import StudyError
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.folds import fold_rows
from poolwise.texts import LabelledTexts


class LabelledTask:
    """Texts with a label each, divided into folds; see ``tasks.Task``."""

    fit_kind: TextKind | None = None

    def __init__(self, data: LabelledTexts, seed: int) -> None:
        """Raises StudyError where all texts are one, or there are too few."""
        self.name, self.data, self._seed = data.name, data, seed
        keys = duplicate_keys(data.texts, data.groups)
        self.groups = factorize(keys)
        self.folds = fold_rows(data.splits, [(key,) for key in keys], seed)
        if len({*keys}) == 1:
            raise StudyError(
                f"{data.name}: all {len(data):,} texts are the same as the encoder reads them: "
                f"{data.texts[0]!r:.60}; name the column of the texts with --column"
            )

    def __len__(self) -> int:
        return len(self.data)

    @property
    def texts(self) -> Sequence[str]:
        """The texts of all rows."""
        return self.data.texts

    @property
    def fit_texts(self) -> Sequence[str]:
        """The texts of all rows but those of test."""
        return [self.data.texts[i] for i in self.folds.choice_rows.tolist()]
