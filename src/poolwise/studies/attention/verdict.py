"""The verdict and notes of the attention study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.studies.attention.agreement import Agreement, Column, comparison_name
from poolwise.studies.attention.attributions import RAW
from poolwise.studies.attention.deletion import LEFT_OUT, MASKED
from poolwise.studies.attention.measures import Measures
from poolwise.studies.length.verdict import percent
from poolwise.studies.token_classes import CLASSES, CLASSES_NOTE, ITSELF, SEPARATOR

OWN = [name for i, name in enumerate(CLASSES) if i not in (ITSELF, SEPARATOR)]
"""The classes of the sentence's own tokens."""

VERBS = {LEFT_OUT: "left out", MASKED: "masked"}


def verdict(measures: Measures, agreement: Agreement) -> str:
    """What [CLS] attends to most, and the method that agrees best with leaving words out."""
    targets = {"itself": [CLASSES[ITSELF]], "[SEP]": [CLASSES[SEPARATOR]], "the words": OWN}
    shares = {
        target: sum(_share(measures, RAW, block, names) or 0.0 for block in measures.blocks)
        for target, names in targets.items()
    }
    most = max(shares, key=lambda target: shares[target])
    methods = list(
        dict.fromkeys(_spoken(best[0]) for d in agreement.scores if (best := agreement.best(d)))
    )
    if not methods:
        return f"[CLS] attends most to {most}; leaving a word out moves it in too few sentences."
    superlative = " best" if len(agreement.candidates) > 1 else ""
    return (
        f"[CLS] attends most to {most}; which words matter to it is told{superlative} by "
        f"{join_words(methods)}."
    )


def evidence(measures: Measures, agreement: Agreement) -> str:
    """The shares of attention, and how each method agrees with deletion."""
    return f"{_attended(measures)}; {_best_agreement(agreement)}"


def notes(
    encoder: Encoder, measures: Measures, agreement: Agreement, deleted: int
) -> Iterator[str]:
    """Ties, how each method is computed, and what was left out."""
    yield from _ties(agreement)
    if has_separable_blocks(encoder):
        yield (
            "norms: each token's term of the new state of [CLS], through the heads, the residual "
            "connection and both LayerNorms (Kobayashi 2021, Modarressi 2022); the terms, the "
            "feed-forward network's and the biases' sum to the hidden state of every block within "
            f"{measures.deviation:.0e}"
        )
        yield (
            "the feed-forward network's term belongs to no token and is in no share: its norm is "
            f"{_range(measures.feed_forward)} of that of [CLS]"
        )
        yield (
            "Value Zeroing: the cosine distance of [CLS] behind a block with and without one "
            "token's value (Mohebbi 2023); rollout: all blocks, one through the other"
        )
    else:
        yield (
            f"raw attention only: the blocks of {encoder.family.name} cannot be taken apart, so "
            "there are no norms and no Value Zeroing; a rollout of raw attention alone misleads "
            "and is left out"
        )
    yield CLASSES_NOTE
    if deleted:
        yield (
            f"words, parted by white space, were left out and masked one at a time in {deleted:,} "
            "of the sentences; a word's share is the sum over its tokens"
        )
    yield "means over sentences, with 95 % bootstrap intervals; blocks and heads count from 1"


def _attended(measures: Measures) -> str:
    last = measures.blocks[-1]
    phrases = [
        f"{percent(share)}" if method == RAW else f"{percent(share)} by {method}"
        for method in measures.methods
        if (share := _share(measures, method, last, OWN)) is not None
    ]
    to_itself = _attention(measures, CLASSES[ITSELF], "itself")
    to_separator = _attention(measures, CLASSES[SEPARATOR], "[SEP]")
    return (
        f"[CLS] gives {to_itself} and {to_separator}; in the last block the sentence's own tokens "
        f"get {join_words(phrases)}"
    )


def _attention(measures: Measures, name: str, target: str) -> str:
    by_block = {block: _share(measures, RAW, block, [name]) or 0 for block in measures.blocks}
    mean = sum(by_block.values()) / len(by_block)
    block = max(by_block, key=lambda block: by_block[block])
    of = " of its attention" if target == "itself" else ""
    return f"{percent(mean)}{of} to {target} ({percent(by_block[block])} in block {block})"


def _share(measures: Measures, method: str, block: int, classes: list[str]) -> float | None:
    values = [measures.shares[method, block, name].value for name in classes]
    defined = [value for value in values if value is not None]
    return sum(defined) if defined else None


def _best_agreement(agreement: Agreement) -> str:
    phrases = [
        f"by {_spoken(best[0])} where they are {VERBS[deletion]} ({_score(agreement, deletion)})"
        for deletion in agreement.scores
        if (best := agreement.best(deletion))
    ]
    if not phrases:
        return "too few sentences in which leaving a word out moves [CLS] to compare methods"
    superlative = " best" if len(agreement.candidates) > 1 else ""
    return f"which words matter to [CLS] is told{superlative} {join_words(phrases)}"


def _score(agreement: Agreement, deletion: str) -> str:
    best, first = agreement.best(deletion)[0], agreement.candidates[0]
    estimate = agreement.mean(deletion, best)
    if best == first:
        return f"mean rank correlation {format_estimate(estimate)}"
    against = agreement.family.describe(comparison_name(deletion, best))
    return f"mean rank correlation {estimate.value:.3f}; {against} against {_spoken(first)}"


def _ties(agreement: Agreement) -> Iterator[str]:
    for deletion in agreement.scores:
        best = agreement.best(deletion)
        if len(best) > 1:
            yield (
                f"where words are {VERBS[deletion]}, "
                f"{join_words([_spoken(column) for column in best[1:]])} "
                f"cannot be told from {_spoken(best[0])}"
            )


def _spoken(column: Column) -> str:
    method, place = column
    return f"the {place} of {method}" if isinstance(place, str) else f"{method} in block {place}"


def _range(estimates: Mapping[int, Estimate]) -> str:
    values = [estimate.value for estimate in estimates.values() if estimate.value is not None]
    return f"{percent(min(values))} to {percent(max(values))}" if values else "not known"
