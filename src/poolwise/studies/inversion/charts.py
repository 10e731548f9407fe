"""Charts of an inversion: against controls, by length, and sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from poolwise.charts import Cell, Chart, ForestPlot, PanelPoint, SmallMultiples, TextTable
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.selection.splits import RowIndices
from poolwise.studies.inversion.comparisons import comparison_name
from poolwise.studies.inversion.corpus import MAX_TOKENS
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import FREQUENT, InversionResults

N_SENTENCES = 20
"""Sentences in the table."""

LENGTH_BINS = (1, 5, 9, 13, 17, 25, 33, 49, MAX_TOKENS + 1)
"""Where bins of lengths in tokens begin."""

MIN_SENTENCES = 10
"""Sentences that a bin needs."""


def charts(
    results: InversionResults, family: ComparisonFamily, detokenizer: Detokenizer, seed: int
) -> list[Chart]:
    """Differences, token F1 by length, and sample sentences."""
    return [_against(results, family), _by_length(results), _sentences(results, detokenizer, seed)]


def lengths(results: InversionResults) -> Iterator[tuple[int, int, RowIndices]]:
    """Bins of lengths that hold enough sentences of test: from, to, and their rows of test."""
    tokens = results.corpus.lengths[results.corpus.splits.test]
    for low, end in pairwise(LENGTH_BINS):
        rows = np.flatnonzero((tokens >= low) & (tokens < end))
        if len(rows) >= MIN_SENTENCES:
            yield low, end - 1, rows


def _against(results: InversionResults, family: ComparisonFamily) -> ForestPlot:
    """Token F1 of each decoder against its controls, under each readout."""
    pairs = [
        (systems.decoder, baseline)
        for systems in results.systems.values()
        for baseline in (*systems.controls, systems.bag)
    ]
    best = results.systems[results.best_readout].decoder
    decoders = [systems.decoder for systems in results.systems.values()]
    pairs += [(best, decoder) for decoder in decoders if decoder != best]
    rows = []
    for decoder, baseline in pairs:
        name = comparison_name("token F1", decoder, baseline)
        same_readout = decoder.readout == baseline.readout or baseline.control
        group = f"{decoder.readout}, decoder" if same_readout else "readouts"
        rows.append(family.row(name, label=f"less {family[name].where['against']}", group=group))
    return ForestPlot(
        "What a decoder gives back, against controls, the bag of words and other readouts",
        rows,
        x_label="difference in token F1, test",
        reference="no more than that",
        caption="Differences over the same sentences, with 95 % intervals. Filled: not zero after "
        "Holm over all comparisons of this answer.",
    )


def _by_length(results: InversionResults) -> SmallMultiples:
    """Token F1 over length, a panel a readout."""
    points = []
    for _, _, rows in lengths(results):
        scores = results.scores.subset(rows)
        length = round(float(_tokens(results)[rows].mean()))
        for readout, systems in results.systems.items():
            controls = (systems.nearest, systems.shuffled, FREQUENT)
            for system in (systems.decoder, systems.bag, *controls):
                estimate = scores.estimate("token F1", system)
                points.append(PanelPoint(readout, length, system.name, estimate))
    return SmallMultiples(
        "What comes back, by the sentence's length",
        points,
        x_label="tokens in the sentence",
        y_label="token F1",
        shared_y=True,
        caption="Sentences of test in bins of lengths, drawn at their means; bins below "
        f"{MIN_SENTENCES} are left out.",
    )


def _sentences(results: InversionResults, detokenizer: Detokenizer, seed: int) -> TextTable:
    """Sentences of test and what each decoder gives back, readout beside readout."""
    corpus, test = results.corpus, results.corpus.splits.test
    decoders = [systems.decoder for systems in results.systems.values()]
    best = results.systems[results.best_readout].decoder
    f1 = results.scores.by_sentence("token F1", best)
    sample = np.random.default_rng(seed).permutation(len(test))[:N_SENTENCES]
    rows: list[list[Cell]] = []
    for i in sample[np.argsort(-f1[sample], kind="stable")].tolist():
        reference = corpus.sentences[test[i]].tolist()
        hypotheses = [
            detokenizer.compare(results.hypotheses[decoder][i], reference) for decoder in decoders
        ]
        rows.append([round(float(f1[i]), 3), detokenizer.text(reference), *hypotheses])
    return TextTable(
        f"{len(rows)} sentences and what came back",
        [
            "F1",
            "sentence, as the encoder reads it",
            *(decoder.readout for decoder in decoders),
        ],
        rows,
        caption="Held-out sentences drawn by the seed, whatever came of them, by the token F1 of "
        f"{best.readout}. Bold: tokens that stand in the sentence.",
    )


def _tokens(results: InversionResults) -> RowIndices:
    return results.corpus.lengths[results.corpus.splits.test]
