"""Charts of an inversion: against controls, by length, and sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from poolwise.charts import Cell, Chart, ForestPlot, PanelPoint, SmallMultiples, TextTable
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.selection.splits import RowIndices
from poolwise.studies.inversion.comparisons import title
from poolwise.studies.inversion.corpus import LONGEST
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import FREQUENT, DecoderScores

SHOWN = 20
"""Sentences in the table."""

BINS = (1, 5, 9, 13, 17, 25, 33, 49, LONGEST + 1)
"""Where bins of lengths in tokens begin."""

FEWEST = 10
"""Sentences that a bin needs."""


def charts(
    contest: DecoderScores, family: ComparisonFamily, writer: Detokenizer, seed: int
) -> list[Chart]:
    """Differences, token F1 by length, and sample sentences."""
    return [_against(contest, family), _by_length(contest), _sentences(contest, writer, seed)]


def lengths(contest: DecoderScores) -> Iterator[tuple[int, int, RowIndices]]:
    """Bins of lengths that hold enough sentences of test: from, to, and their rows of test."""
    tokens = contest.corpus.lengths[contest.corpus.splits.test]
    for low, end in pairwise(BINS):
        rows = np.flatnonzero((tokens >= low) & (tokens < end))
        if len(rows) >= FEWEST:
            yield low, end - 1, rows


def _against(contest: DecoderScores, family: ComparisonFamily) -> ForestPlot:
    """Token F1 of each decoder against its controls, under each readout."""
    entries = contest.entries.values()
    pairs = [(entry.decoder, other) for entry in entries for other in (*entry.controls, entry.bag)]
    best = contest.entries[contest.chosen].decoder
    pairs += [(best, entry.decoder) for entry in entries if entry.decoder != best]
    rows = []
    for decoder, other in pairs:
        name = title("token F1", decoder, other)
        own = decoder.readout == other.readout or other.control
        group = f"{decoder.readout}, decoder" if own else "readouts"
        rows.append(family.row(name, label=f"less {family[name].where['against']}", group=group))
    return ForestPlot(
        "What a decoder gives back, against controls, the bag of words and other readouts",
        rows,
        x_label="difference in token F1, test",
        reference="no more than that",
        caption="Differences over the same sentences, with 95 % intervals. Filled: not zero after "
        "Holm over all comparisons of this answer.",
    )


def _by_length(contest: DecoderScores) -> SmallMultiples:
    """Token F1 over length, a panel a readout."""
    points = []
    for _, _, rows in lengths(contest):
        scores = contest.scores.among(rows)
        length = round(float(_tokens(contest)[rows].mean()))
        for readout, entry in contest.entries.items():
            for contender in (entry.decoder, entry.bag, entry.nearest, entry.shuffled, FREQUENT):
                estimate = scores.estimate("token F1", contender)
                points.append(PanelPoint(readout, length, contender.name, estimate))
    return SmallMultiples(
        "What comes back, by the sentence's length",
        points,
        x_label="tokens in the sentence",
        y_label="token F1",
        shared_y=True,
        caption=f"Sentences of test in bins of lengths, drawn at their means; bins below {FEWEST} "
        "are left out.",
    )


def _sentences(contest: DecoderScores, writer: Detokenizer, seed: int) -> TextTable:
    """Sentences of test and what each decoder gives back, readout beside readout."""
    corpus, test = contest.corpus, contest.corpus.splits.test
    decoders = [entry.decoder for entry in contest.entries.values()]
    chosen = contest.entries[contest.chosen].decoder
    f1 = contest.scores.rows("token F1", chosen)
    sample = np.random.default_rng(seed).permutation(len(test))[:SHOWN]
    rows: list[list[Cell]] = []
    for i in sample[np.argsort(-f1[sample], kind="stable")].tolist():
        reference = corpus.sentences[test[i]].tolist()
        answers = [writer.beside(contest.answers[decoder][i], reference) for decoder in decoders]
        rows.append([round(float(f1[i]), 3), writer.text(reference), *answers])
    return TextTable(
        f"{len(rows)} sentences and what came back",
        [
            "F1",
            "sentence, as the encoder reads it",
            *(decoder.readout for decoder in decoders),
        ],
        rows,
        caption="Held-out sentences drawn by the seed, whatever came of them, by the token F1 of "
        f"{chosen.readout}. Bold: tokens that stand in the sentence.",
    )


def _tokens(contest: DecoderScores) -> RowIndices:
    return contest.corpus.lengths[contest.corpus.splits.test]
