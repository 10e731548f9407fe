"""What a person would say who has read the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.selection.comparisons import join_words
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.studies.attention.agreement import Agreement, Column, told
from poolwise.studies.attention.attributions import RAW
from poolwise.studies.attention.deletion import LEFT_OUT, MASKED
from poolwise.studies.attention.measures import Measures
from poolwise.studies.length.verdict import percent
from poolwise.studies.token_classes import CLASSES, CLASSES_NOTE, ITSELF, SEPARATOR

OWN = [name for i, name in enumerate(CLASSES) if i not in (ITSELF, SEPARATOR)]
"""The classes of the sentence's own tokens."""

DONE = {LEFT_OUT: "left out", MASKED: "masked"}


def verdict(measures: Measures, agreed: Agreement) -> str:
    """Where it looks and what it takes; then which way tells what deletion really changes."""
    return f"{_looked(measures)}. {_truest(agreed)}."


def notes(encoder: Encoder, measures: Measures, agreed: Agreement, deleted: int) -> Iterator[str]:
    """What the verdict leaves out, what was done, and what was not."""
    yield from _ties(agreed)
    if has_separable_blocks(encoder):
        yield (
            "norms: each token's term of the new state of [CLS], through the heads, the residual "
            "connection and both LayerNorms (Kobayashi 2021, Modarressi 2022); the terms, the "
            "feed-forward network's and the biases' sum to the hidden state of every block within "
            f"{measures.deviation:.0e}"
        )
        yield (
            "the feed-forward network's term belongs to no token and is in no share: its norm is "
            f"{_range(measures.added)} of that of [CLS]"
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


def _looked(measures: Measures) -> str:
    last = measures.blocks[-1]
    parts = [
        f"{percent(share)}" if way == RAW else f"{percent(share)} by {way}"
        for way in measures.ways
        if (share := _share(measures, way, last, OWN)) is not None
    ]
    return (
        f"[CLS] gives {_most(measures, CLASSES[ITSELF], 'itself')} and "
        f"{_most(measures, CLASSES[SEPARATOR], '[SEP]')}; in the last block the sentence's own "
        f"tokens get {join_words(parts)}"
    )


def _most(measures: Measures, name: str, who: str) -> str:
    by_block = {block: _share(measures, RAW, block, [name]) or 0 for block in measures.blocks}
    mean = sum(by_block.values()) / len(by_block)
    block = max(by_block, key=lambda block: by_block[block])
    of = " of its attention" if who == "itself" else ""
    return f"{percent(mean)}{of} to {who} ({percent(by_block[block])} in block {block})"


def _share(measures: Measures, way: str, block: int, classes: list[str]) -> float | None:
    values = [measures.shares[way, block, name].value for name in classes]
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _truest(agreed: Agreement) -> str:
    parts = [
        f"by {_spoken(best[0])} where they are {DONE[yardstick]} ({_score(agreed, yardstick)})"
        for yardstick in agreed.scores
        if (best := agreed.best(yardstick))
    ]
    if not parts:
        return (
            "In too few sentences does leaving a word out move [CLS], so no way can be held to it"
        )
    most = " best" if len(agreed.contenders) > 1 else ""
    return f"Which words matter to [CLS] is told{most} {join_words(parts)}"


def _score(agreed: Agreement, yardstick: str) -> str:
    best, first = agreed.best(yardstick)[0], agreed.contenders[0]
    found = agreed.mean(yardstick, best)
    if best == first:
        return f"mean rank correlation {format_estimate(found)}"
    against = agreed.family.describe(told(yardstick, best))
    return f"mean rank correlation {found.value:.3f}; {against} against {_spoken(first)}"


def _ties(agreed: Agreement) -> Iterator[str]:
    for yardstick in agreed.scores:
        best = agreed.best(yardstick)
        if len(best) > 1:
            yield (
                f"where words are {DONE[yardstick]}, "
                f"{join_words([_spoken(one) for one in best[1:]])} "
                f"cannot be told from {_spoken(best[0])}"
            )


def _spoken(column: Column) -> str:
    way, place = column
    return f"the {place} of {way}" if isinstance(place, str) else f"{way} in block {place}"


def _range(added: Mapping[int, Estimate]) -> str:
    values = [found.value for found in added.values() if found.value is not None]
    return f"{percent(min(values))} to {percent(max(values))}" if values else "not known"
