"""Further looks at a selection, on demand: would other rows, fewer or more, choose the same?"""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.finding_part import FindingPart
from poolwise.selection.fold_seeds import fold_seeds_part, retrain
from poolwise.selection.learning_curve import learning_curves
from poolwise.selection.learning_curve_part import learning_curve_part
from poolwise.selection.repeats import repeat_choice
from poolwise.selection.repeats_part import repeats_part
from poolwise.selection.row_samples import TRAINED
from poolwise.selection.selection import Selection
from poolwise.statistics.blas import single_blas_thread


def choice_parts(
    selection: Selection,
    *,
    repeats: int = 0,
    learning_curve: bool = False,
    seed: int = 0,
    progress: bool = False,
) -> Iterator[FindingPart]:
    """What each look that is asked for adds to the selection's finding."""
    if repeats:
        with single_blas_thread():
            choices = repeat_choice(selection, repeats, seed=seed, progress=progress)
        yield repeats_part(choices)
        if isinstance(selection.task, TRAINED) and len(selection.readouts) > 1:
            with single_blas_thread():
                yield fold_seeds_part(retrain(selection, seed=seed, progress=progress))
    if learning_curve:
        with single_blas_thread():
            curves = learning_curves(selection, seed=seed, progress=progress)
        yield learning_curve_part(curves)
