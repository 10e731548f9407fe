"""The one answer of a sweep: what leads, what is quoted, and where questions differ."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poolwise.readouts import parse
from poolwise.selection.candidates import candidates_of
from poolwise.selection.folds import fold_rows
from poolwise.selection.selection import Selection
from poolwise.studies.answer import answer_of, leading_selection

NAMES = ["mean@-1", "mean@-2", "mean@3", "mean@-1|whiten(8)"]
PROBE, SEARCH = "accuracy", "mean average precision"


class Encoder:
    """What a selection asks of an encoder."""

    name, folder, depth, width = "my model", Path("models/my model"), 12, 8
    declared = None


class Drawn:
    """A task whose pseudo-values are drawn."""

    scale, notes, strata = "share", (), None

    def __init__(self, n, score):
        self.name, self.score = "intents.csv", score
        self.groups = np.arange(n)
        self.folds = fold_rows([""] * n, [(i,) for i in range(n)], 0)


def selection_of(means, score=PROBE, n=400, seed=0):
    """Candidates of these scores, against a chance of 0.5."""
    rng = np.random.default_rng(seed)
    common = rng.normal(scale=0.2, size=(n, 1))
    scores = np.array(means) + common + rng.normal(scale=0.05, size=(n, len(means)))
    chance = 0.5 + rng.normal(scale=0.2, size=n)
    readouts = [parse(name) for name in NAMES]
    candidates = candidates_of(Encoder(), readouts, None)
    return Selection(candidates, Drawn(n, score), (), [8, 8, 8, 8], scores, chance)


BETTER = [0.80, 0.85, 0.80, 0.80]
KEPT = [0.85, 0.80, 0.80, 0.80]
CHANCE = [0.5, 0.5, 0.5, 0.5]
WHITENED = [0.80, 0.80, 0.80, 0.90]


def answer(*selections, **options):
    return answer_of(selections, **options)


@pytest.mark.parametrize("means", [BETTER, KEPT, CHANCE, WHITENED, [0.8] * 4])
def test_the_recommendation_is_one_sentence_of_at_most_25_words(means):
    said = answer(selection_of(means)).recommendation
    assert said.endswith(".")
    assert said.count(". ") == 0
    assert len(said.split()) <= 25


def test_a_change_says_what_it_gains_and_quotes_what_to_run():
    timed = replace(selection_of(BETTER), milliseconds=[0.5, 0.81, 0.5, 0.5])
    said = answer(timed, readout_file="my sweep/readout.toml")
    assert said.recommendation == "Use mean@-2: it scores higher than mean@-1."
    assert said.reason.startswith("+0.0")
    assert said.reason.endswith("] in accuracy against mean@-1 on intents.csv")
    assert said.cost.startswith("8 dimensions, 92% of the encoder's blocks, about 1,23")
    assert said.certainty.startswith("p below 0.0001")
    assert shlex.split(said.command) == [
        *("poolwise", "embed", "models/my model", "texts.txt", "-o", "vectors.parquet"),
        *("--readout", "my sweep/readout.toml"),
    ]


def test_at_chance_it_says_so_and_names_no_command():
    said = answer(selection_of(CHANCE))
    assert said.recommendation.startswith("There is nothing to choose")
    assert said.reason.endswith("no more than chance gives")
    assert (said.command, said.cost) == ("", "")


def test_questions_that_choose_differently_say_why():
    said = answer(selection_of(BETTER), selection_of(WHITENED, SEARCH, seed=1))
    assert said.recommendation.startswith("Use mean@-2")
    (note,) = said.notes
    assert note.startswith("by mean average precision on intents.csv mean@-1|whiten(8) is the one")
    assert "a search for near texts" in note
    assert "this answer is by accuracy" in note


def test_questions_that_agree_need_no_note():
    assert answer(selection_of(BETTER), selection_of(BETTER, SEARCH, seed=1)).notes == []


def test_what_has_something_to_choose_leads():
    nothing, found = selection_of(CHANCE), selection_of(BETTER, SEARCH)
    assert leading_selection([nothing, found]) is found
    assert leading_selection([nothing]) is nothing
    assert answer(nothing, found).notes == []


def test_the_best_single_layer_is_told_where_the_choice_mixes_or_steps():
    (note,) = answer(selection_of(WHITENED)).notes
    assert note.startswith("the best single layer as pooled is mean@")
    assert note.endswith("mean@-1|whiten(8) scores higher")


def with_baseline(selection, gain):
    """The same with a baseline that differs from the highest readout by ``gain``."""
    noise = np.random.default_rng(5).normal(scale=0.05, size=len(selection.row_scores))
    column = selection.row_scores[:, selection.best_index] + gain + noise
    return replace(
        selection,
        baselines=("BM25",),
        dimensions=[*selection.dimensions, 0],
        row_scores=np.column_stack([selection.row_scores, column]),
    )


def test_a_baseline_that_scores_higher_than_the_choice_is_told():
    notes = answer(with_baseline(selection_of(KEPT), 0.1)).notes
    assert notes[0].startswith("careful: BM25, a baseline, scores higher than mean@-1: +0.09")
    for gain in (0.0, -0.1):
        assert not any(
            "BM25" in note for note in answer(with_baseline(selection_of(KEPT), gain)).notes
        )
