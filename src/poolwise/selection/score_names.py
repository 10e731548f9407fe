"""Which kind of data a score's name belongs to."""

from __future__ import annotations

from poolwise.errors import OptionError
from poolwise.selection.label_scores import LABEL_SCORES, NUMBER_SCORES, SPELLINGS
from poolwise.selection.tasks.ranking_scores import SHOWN, is_ranking_score, ranking_score
from poolwise.texts import DataKind


def scored_kind(name: str) -> DataKind:
    """``labels`` or ``queries``. Raises OptionError for what is no score."""
    of_labels = {score.lower() for score in (*LABEL_SCORES, *NUMBER_SCORES, *SPELLINGS)}
    if name.lower() in of_labels:
        return "labels"
    if is_ranking_score(name):
        ranking_score(name)
        return "queries"
    raise OptionError(
        f"score is {name!r:.60}, expected one of {', '.join(LABEL_SCORES)}; for labels that are "
        f"numbers {' or '.join(NUMBER_SCORES)} (R2); for queries {', '.join(SHOWN)}, at any rank"
    )
