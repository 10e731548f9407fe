"""How recovery looks: against controls, by length, and sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from poolwise.records import Chart
from poolwise.selection.charts import forest
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.selection.splits import RowIndices
from poolwise.studies.inversion.comparisons import title
from poolwise.studies.inversion.corpus import LONGEST
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import FREQUENT, DecoderScores

SHOWN = 20
BINS = (1, 5, 9, 13, 17, 25, 33, 49, LONGEST + 1)
"""Where bins of lengths in tokens begin."""

FEWEST = 10
"""Sentences that a bin needs."""


def charts(
    contest: DecoderScores, family: ComparisonFamily, writer: Detokenizer, seed: int
) -> list[Chart]:
    """The pictures of a finding."""
    return [_against(contest, family), _by_length(contest), _sentences(contest, writer, seed)]


def lengths(contest: DecoderScores) -> Iterator[tuple[int, int, RowIndices]]:
    """Bins of lengths that hold enough sentences of test: from, to, and their places in test."""
    tokens = contest.corpus.lengths[contest.corpus.splits.test]
    for low, end in pairwise(BINS):
        rows = np.flatnonzero((tokens >= low) & (tokens < end))
        if len(rows) >= FEWEST:
            yield low, end - 1, rows


def _against(contest: DecoderScores, family: ComparisonFamily) -> Chart:
    """Kind ``forest``: token F1 of each decoder against its controls, under each readout."""
    entries = contest.entries.values()
    shown = [(entry.decoder, other) for entry in entries for other in (*entry.controls, entry.bag)]
    best = contest.entries[contest.chosen].decoder
    shown += [(best, entry.decoder) for entry in entries if entry.decoder != best]
    found = [family[title("token F1", who, against)] for who, against in shown]
    made = forest(
        "What a decoder gives back, against controls, the bag of words and other readouts",
        [(f"less {one.where['against']}", one.difference, False) for one in found],
        x_label="difference in token F1, test",
        reference="no more than that",
        caption="Differences over the same sentences, with 95 % intervals. Filled: not zero after "
        "Holm over all comparisons of this answer.",
    )
    groups = [
        f"{who.readout}, decoder" if who.readout == other.readout or other.control else "readouts"
        for who, other in shown
    ]
    clear = [bool(family.sign(one.name)) for one in found]
    return replace(made, data={**made.data, "clear": clear, "group": groups})


def _by_length(contest: DecoderScores) -> Chart:
    """Kind ``multiples``: token F1 over length, a panel a readout."""
    points = []
    for _, _, rows in lengths(contest):
        part = contest.scores.among(rows)
        at = round(float(_tokens(contest)[rows].mean()))
        for readout, entry in contest.entries.items():
            for who in (entry.decoder, entry.bag, entry.nearest, entry.shuffled, FREQUENT):
                found = part.estimate("token F1", who)
                points.append((readout, at, who.name, found.value, found.low, found.high))
    columns = ("panel", "layer", "series", "value", "low", "high")
    return Chart(
        "multiples",
        "What comes back, by the sentence's length",
        {
            "x_label": "tokens in the sentence",
            "y_label": "token F1",
            "shared_y": True,
            "bands": {name: [] for name in ("panel", "low", "high", "name")},
            **{name: [point[i] for point in points] for i, name in enumerate(columns)},
        },
        f"Sentences of test in bins of lengths, drawn at their means; bins below {FEWEST} are left "
        "out.",
    )


def _sentences(contest: DecoderScores, writer: Detokenizer, seed: int) -> Chart:
    """Kind ``table``: what came back of some sentences, readout beside readout."""
    corpus, test = contest.corpus, contest.corpus.splits.test
    decoders = [entry.decoder for entry in contest.entries.values()]
    chosen = contest.entries[contest.chosen].decoder
    f1 = contest.scores.rows("token F1", chosen)
    drawn = np.random.default_rng(seed).permutation(len(test))[:SHOWN]
    rows = []
    for i in drawn[np.argsort(-f1[drawn], kind="stable")].tolist():
        reference = corpus.sentences[test[i]].tolist()
        back = [writer.beside(contest.answers[who][i], reference) for who in decoders]
        rows.append([round(float(f1[i]), 3), writer.text(reference), *back])
    return Chart(
        "table",
        f"{len(rows)} sentences and what came back",
        {
            "columns": [
                "F1",
                "sentence, as the encoder reads it",
                *(who.readout for who in decoders),
            ],
            "rows": rows,
        },
        f"Held-out sentences drawn by the seed, whatever came of them, by the token F1 of "
        f"{chosen.readout}. Bold: tokens that stand in the sentence.",
    )


def _tokens(contest: DecoderScores) -> RowIndices:
    return contest.corpus.lengths[contest.corpus.splits.test]
