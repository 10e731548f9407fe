"""What a person would say who has read the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.statistics.estimate import Estimate
from poolwise.studies.length.layers import IDENTITY, Layer
from poolwise.studies.length.measures import Measured, Measures
from poolwise.studies.length.sample import OTHER, TOKENS, WORDS, Sample

ANSWERS = ((0.5, "Yes"), (0.1, "Partly"), (float("-inf"), "No"))
"""Share of the length's variance that the norm explains, by a line or by a curve: its interval lies
above the number.

Half of the variance still leaves 71 % of the spread; a tenth leaves 95 %.
"""

AMOUNTS = {"Yes": "much", "Partly": "a part", "No": "hardly anything"}

CURVED = 0.01
"""How much more than the line a curve must explain, above its interval, to be spoken of."""


def verdict(layers: Sequence[Layer], real: Measures) -> str:
    """The answer for the last layer, in one sentence."""
    last = layers[-1]
    stats, ridge = real.norm(last.cls, last.index), real.ridge[last.cls, TOKENS]
    if stats.regression.r2.value is None or stats.eta2.value is None:
        return "No: the norm of [CLS] at the last layer is the same for every sentence."
    norm = "the norm of [CLS] at the last layer"
    low, high = _answers(_explained(stats))
    vector = "; the whole vector tells much of it" if low != "Yes" and _is_much(ridge) else ""
    if low == high:
        return f"{low}: {norm} tells {AMOUNTS[low]} of the sentence's length{vector}."
    amount = f"{AMOUNTS[low]}, or {AMOUNTS[high]},"
    return f"{low} or {high.lower()}: {norm} tells {amount} of the sentence's length{vector}."


def evidence(layers: Sequence[Layer], real: Measures) -> str:
    """The shares that the norm of [CLS] and the full vector explain, at the last layer."""
    last = layers[-1]
    stats, full = real.norm(last.cls, last.index), _full_vector(real.ridge[last.cls, TOKENS])
    if stats.regression.r2.value is None or stats.eta2.value is None:
        return full
    share = _explained(stats)
    low, high = _answers(share)
    crossed = next((least for least, word in ANSWERS if word == high), 0.0)
    unclear = f"; the interval crosses {crossed:g}" if low != high else ""
    return (
        f"the norm explains {percent(share.value or 0.0)} of the variance of sentence length in "
        f"tokens ({_line_and_curve(stats)}){unclear}; {full}"
    )


def _explained(stats: Measured) -> Estimate:
    """The share that a curve explains where it finds clearly more than a line; else a line's."""
    return stats.eta2 if is_curved(stats) else stats.regression.r2


def _answers(share: Estimate) -> tuple[str, str]:
    """The answers at both ends of the interval."""
    ends = (x if x is not None else share.value or 0.0 for x in (share.low, share.high))
    low, high = (next(word for least, word in ANSWERS if end >= least) for end in ends)
    return low, high


def _is_much(ridge: Estimate) -> bool:
    return ridge.low is not None and ridge.low >= ANSWERS[0][0]


def notes(
    layers: Sequence[Layer], real: Measures, random_words: Measures | None, sample: Sample
) -> list[str]:
    """What stands below the verdict, a sentence or two each."""
    last = layers[-1]
    stats = [
        *_best(real, last),
        *_mean(real, last),
        *_words(real, last),
        *_identity(layers, real),
        *_random_words(real, random_words, last),
        *_another(real, last),
        *_left_out(sample),
        *_copies(sample),
    ]
    return [
        *stats,
        "Tokens are counted without special tokens, words by white space. eta² and the ridge's R² "
        "are measured on sentences that the curve or the ridge has not seen (five folds; the "
        "penalty is chosen within the training folds), so an unrelated series comes out at 0 or a "
        "little below. Brackets hold 95 % intervals; those of the ridge come from the folds and "
        "may be too narrow below some thousand sentences.",
    ]


def _copies(sample: Sample) -> Iterator[str]:
    if sample.different < sample.n:
        yield (
            f"{sample.n:,} sentences are {sample.different:,} texts, as the encoder reads them: "
            "folds and intervals count texts."
        )


def is_curved(stats: Measured) -> bool:
    """Whether the curve finds clearly more than the line."""
    curve, line = stats.eta2, stats.regression.r2
    if curve.value is None or curve.low is None or line.value is None:
        return False
    return curve.low > line.value and curve.value > line.value + CURVED


def display(stats: Estimate) -> str:
    """``0.03 [0.02, 0.04]``; a digit more below a tenth."""
    if stats.value is None:
        return stats.note
    digits = 3 if abs(stats.value) < 0.1 else 2
    value, low, high = (_fixed(v or 0.0, digits) for v in (stats.value, stats.low, stats.high))
    if stats.low is None:
        return value
    return f"{value} [{low}, {high}]"


def percent(share: float) -> str:
    """``3 %``, ``0.4 %``; what is below 0 explains nothing."""
    share = 100 * max(share, 0)
    return f"{share:.0f} %" if share >= 2 or share < 0.05 else f"{share:.1f} %"


def _fixed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _line_and_curve(stats: Measured) -> str:
    line = f"R² {display(stats.regression.r2)}"
    curve = f"eta² {display(stats.eta2)} on sentences it has not seen"
    if is_curved(stats):
        return f"by the best curve, {curve}; by a straight line only {line}"
    more = (
        "little more" if (stats.eta2.value or 0) > (stats.regression.r2.value or 0) else "no more"
    )
    return f"by a straight line, {line}; the best curve finds {more}, {curve}"


def _full_vector(ridge: Estimate) -> str:
    if ridge.value is None:
        return "the full [CLS] vector is the same for every sentence too"
    return f"the full [CLS] vector predicts it with R² {display(ridge)}"


def _best(real: Measures, last: Layer) -> Iterator[str]:
    if best := real.best:
        spread = real.norm(f"cls@{best.layer}", best.layer).spread
        where = "in the last block itself" if best.layer == last.index else f"in layer {best.layer}"
        yield (
            f"The norm of [CLS] says most {where} (chosen on one half of the sentences): on the "
            f"other half a line explains R² {display(best.r2)} and a curve eta² "
            f"{display(best.eta2)} of the length in tokens, in a norm whose standard deviation is "
            f"{100 * spread:.2g} % of its mean."
        )


def _mean(real: Measures, last: Layer) -> Iterator[str]:
    stats = real.norm(last.mean, last.index)
    ridge = display(real.ridge[last.mean, TOKENS])
    yield (
        f"The mean over all tokens in the last block: its norm explains R² "
        f"{display(stats.regression.r2)} by a line and eta² {display(stats.eta2)} by a curve, its "
        f"full vector R² {ridge}."
    )


def _words(real: Measures, last: Layer) -> Iterator[str]:
    stats = real.norm(last.cls, last.index, WORDS)
    yield (
        f"Counted in words, the norm of [CLS] in the last block explains R² "
        f"{display(stats.regression.r2)} by a line and eta² {display(stats.eta2)} by a curve; the "
        f"full vector R² {display(real.ridge[last.cls, WORDS])}."
    )


def _identity(layers: Sequence[Layer], real: Measures) -> Iterator[str]:
    flat = {k: d for k, d in real.deviations.items() if d <= IDENTITY}
    off = {k: d for k, d in real.deviations.items() if d > IDENTITY}
    unknown = [layer.index for layer in layers if layer.index not in real.deviations]
    if flat:
        root = next(layer.root or 0 for layer in layers if layer.index in flat)
        yield (
            f"Before the LayerNorm's gain and bias the norm of [CLS] is √d = {root:.2f} for every "
            f"sentence in {_named(list(flat), len(layers))} (largest relative deviation "
            f"{max(flat.values()):.0e}): what the norm varies by is a re-weighting of dimensions "
            "by the gain."
        )
    for layer, deviation in off.items():
        yield (
            f"In layer {layer} the norm of [CLS] before gain and bias is not √d: it deviates by "
            f"up to {deviation:.1e} of it, more than {IDENTITY:g}."
        )
    if unknown:
        yield (
            f"The norm before gain and bias cannot be had in {_named(unknown, len(layers))}: not "
            "a LayerNorm's output, or one whose gain is 0 in several dimensions."
        )


def _random_words(real: Measures, random_words: Measures | None, last: Layer) -> Iterator[str]:
    if random_words is None:
        yield "Random words were not measured: too few usable control texts."
        return
    stats = random_words.norm(last.cls, last.index)
    yield (
        f"In {random_words.n:,} texts of random words, as long as real sentences, the norm of "
        f"[CLS] in the last block explains R² {display(stats.regression.r2)} by a line and eta² "
        f"{display(stats.eta2)} by a curve of the length in tokens; the full vector R² "
        f"{display(random_words.ridge[last.cls, TOKENS])}."
    )


def _another(real: Measures, last: Layer) -> Iterator[str]:
    stats = real.norm(last.cls, last.index, OTHER)
    yield (
        f"Against the length of another sentence, drawn at random, the same statistics give R² "
        f"{display(stats.regression.r2)}, eta² {display(stats.eta2)} and, from the full vector, R² "
        f"{display(real.ridge[last.cls, OTHER])}."
    )


def _left_out(sample: Sample) -> Iterator[str]:
    counts = [f"{count:,} {why}" for why, count in sample.left_out.items() if count]
    size = f"{sample.n:,} sentences were measured"
    yield f"{size}; left out: {', '.join(counts)}." if counts else f"{size}; none was left out."


def _named(layers: Sequence[int], of: int) -> str:
    if len(layers) == of:
        return "every layer"
    word = "layer" if len(layers) == 1 else "layers"
    return f"{word} {', '.join(map(str, layers))}"
