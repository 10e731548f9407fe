"""What a person would say who has read the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import ComparisonFamily, join_words
from poolwise.selection.finding import format_estimate
from poolwise.studies.inversion.comparisons import title
from poolwise.studies.inversion.experiment import WITHOUT, DecoderScores, ReadoutSystems

PROTOCOL = (
    "every score is on test; penalties, how many tokens a bag says, when a training ends and which "
    "readout is named were chosen on dev",
    "token F1 is the mean over sentences, tokens counted as often as they stand there (a bag says "
    "each once); BLEU-4 is that of all sentences, without smoothing, over the encoder's tokens",
    "controls: the tokens that stand in most sentences, as many as score best; a decoder trained "
    "without a vector; the decoder given another test sentence's vector; and the sentence of train "
    "whose standardised vector has the highest cosine",
)


def verdict(contest: DecoderScores, family: ComparisonFamily) -> str:
    """The answer for the readout from which most comes back, and what that is worth."""
    chosen, scores = contest.entries[contest.chosen], contest.scores
    whole = scores.estimate("exact match", chosen.decoder).value or 0.0
    found = (
        f"Most comes back from {contest.chosen}: a linear bag of words names a held-out sentence's "
        f"tokens with F1 {format_estimate(scores.estimate('token F1', chosen.bag))}, a small "
        "decoder says the sentence with token F1 "
        f"{format_estimate(scores.estimate('token F1', chosen.decoder))} and BLEU "
        f"{format_estimate(scores.estimate('BLEU', chosen.decoder))}, {whole:.1%} of them whole."
    )
    worth = "; ".join([_beaten(chosen, family), *_lead(contest, family)])
    return f"{found} {worth[0].upper()}{worth[1:]}."


def notes(contest: DecoderScores, family: ComparisonFamily) -> Iterator[str]:
    """What stands beside the verdict: every readout, the bags, the protocol."""
    for readout, entry in contest.entries.items():
        bag = title("token F1", entry.decoder, entry.bag)
        yield f"{readout}: {_beaten(entry, family)}; decoder less bag: {family.told(bag)}"
    chosen = contest.entries[contest.chosen]
    own, other, none = (
        contest.perplexities[who].value or 0.0 for who in (chosen.decoder, chosen.shuffled, WITHOUT)
    )
    yield (
        f"perplexity of the next token: from {contest.chosen} {own:.1f}, without a vector "
        f"{none:.1f}, from another sentence's vector {other:.1f}"
    )
    yield from PROTOCOL


def _beaten(entry: ReadoutSystems, family: ComparisonFamily) -> str:
    """``The decoder beats every control, …``, or which it does not."""
    names = {control.name: title("token F1", entry.decoder, control) for control in entry.controls}
    signs = {control: family.sign(name) for control, name in names.items()}
    beaten = [control for control, sign in signs.items() if sign == 1]
    if len(beaten) == len(names):
        gains = {control: family[name].difference.value for control, name in names.items()}
        least = min(gains, key=lambda control: gains[control].value or 0.0)
        gain = format_estimate(gains[least], sign=True)
        return f"the decoder beats every control, the strongest, {least}, by {gain}"
    told = {control: f"{control} ({family.told(name)})" for control, name in names.items()}
    short = [told[control] for control, sign in signs.items() if sign == -1]
    alike = [told[control] for control, sign in signs.items() if not sign]
    said = [
        *([f"beats {join_words(beaten)}"] if beaten else []),
        *([f"falls short of {join_words(short)}"] if short else []),
        *([f"is not shown to beat {join_words(alike)}"] if alike else []),
    ]
    return f"the decoder {join_words(said)}"


def _lead(contest: DecoderScores, family: ComparisonFamily) -> Iterator[str]:
    best = contest.entries[contest.chosen].decoder
    others = [entry.decoder for entry in contest.entries.values() if entry.decoder != best]
    leads = [
        f"{family.told(title('token F1', best, other))} over {other.readout}" for other in others
    ]
    if leads:
        yield f"its lead is {join_words(leads)}"
