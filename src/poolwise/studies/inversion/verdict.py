"""The verdict and the notes of an inversion finding."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.extent import extent
from poolwise.studies.inversion.comparisons import comparison_name
from poolwise.studies.inversion.experiment import (
    UNCONDITIONAL,
    InversionResults,
    ReadoutSystems,
)

PROTOCOL = (
    "every score is on test; penalties, how many tokens a bag says, when a training ends and which "
    "readout is named were chosen on dev",
    "token F1 is the mean over sentences, tokens counted as often as they stand there (a bag says "
    "each once); BLEU-4 is that of all sentences, without smoothing, over the encoder's tokens",
    "controls: the tokens that stand in most sentences, as many as score best; a decoder trained "
    "without a vector; the decoder given another test sentence's vector; and the sentence of train "
    "whose standardised vector has the highest cosine",
)


def verdict(results: InversionResults, family: ComparisonFamily) -> str:
    """How much of a sentence the best readout's decoder recovers, and whether controls do so."""
    best = results.systems[results.best_readout]
    share = extent(results.scores.estimate("token F1", best.decoder))
    beaten = all(
        family.sign(comparison_name("token F1", best.decoder, control)) == 1
        for control in best.controls
    )
    against = "more than any control" if beaten else "not shown to be more than every control"
    return (
        f"A small decoder recovers {share} of a sentence's words from {results.best_readout}, "
        f"{against}."
    )


def evidence(results: InversionResults, family: ComparisonFamily) -> str:
    """The scores of the best readout, and how its decoder compares."""
    best, scores = results.systems[results.best_readout], results.scores
    bag_f1 = format_estimate(scores.estimate("token F1", best.bag))
    f1 = format_estimate(scores.estimate("token F1", best.decoder))
    bleu = format_estimate(scores.estimate("BLEU", best.decoder))
    exact = scores.estimate("exact match", best.decoder).value or 0.0
    summary = (
        f"{results.best_readout}: a linear bag of words names a held-out sentence's tokens with F1 "
        f"{bag_f1}, a small decoder says the sentence with token F1 {f1} and BLEU {bleu}, "
        f"{exact:.1%} of them whole"
    )
    return "; ".join([summary, _against_controls(best, family), *_lead(results, family)])


def notes(results: InversionResults, family: ComparisonFamily) -> Iterator[str]:
    """The comparisons of every readout, the perplexities, and the protocol."""
    for readout, systems in results.systems.items():
        bag = comparison_name("token F1", systems.decoder, systems.bag)
        against_controls = _against_controls(systems, family)
        yield f"{readout}: {against_controls}; decoder less bag: {family.describe(bag)}"
    best = results.systems[results.best_readout]
    own, shuffled, unconditional = (
        results.perplexities[system].value or 0.0
        for system in (best.decoder, best.shuffled, UNCONDITIONAL)
    )
    yield (
        f"perplexity of the next token: from {results.best_readout} {own:.1f}, without a vector "
        f"{unconditional:.1f}, from another sentence's vector {shuffled:.1f}"
    )
    yield from PROTOCOL


def _against_controls(systems: ReadoutSystems, family: ComparisonFamily) -> str:
    """``the decoder beats every control, …``, or those that it does not beat."""
    names = {
        control.name: comparison_name("token F1", systems.decoder, control)
        for control in systems.controls
    }
    signs = {control: family.sign(name) for control, name in names.items()}
    beaten = [control for control, sign in signs.items() if sign == 1]
    if len(beaten) == len(names):
        gains = {control: family[name].difference.value for control, name in names.items()}
        strongest = min(gains, key=lambda control: gains[control].value or 0.0)
        gain = format_estimate(gains[strongest], sign=True)
        return f"the decoder beats every control, the strongest, {strongest}, by {gain}"
    described = {control: f"{control} ({family.describe(name)})" for control, name in names.items()}
    better = [described[control] for control, sign in signs.items() if sign == -1]
    unclear = [described[control] for control, sign in signs.items() if not sign]
    clauses = [
        *([f"beats {join_words(beaten)}"] if beaten else []),
        *([f"falls short of {join_words(better)}"] if better else []),
        *([f"is not shown to beat {join_words(unclear)}"] if unclear else []),
    ]
    return f"the decoder {join_words(clauses)}"


def _lead(results: InversionResults, family: ComparisonFamily) -> Iterator[str]:
    """The best readout's decoder against those of the other readouts."""
    best = results.systems[results.best_readout].decoder
    decoders = [systems.decoder for systems in results.systems.values()]
    leads = [
        f"{family.describe(comparison_name('token F1', best, decoder))} over {decoder.readout}"
        for decoder in decoders
        if decoder != best
    ]
    if leads:
        yield f"its lead is {join_words(leads)}"
