"""From texts with vectors to what made them: the search, then one aspect at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.affine_map import ScaledDimensions, fit_scales
from poolwise.doctor.candidates import specs_of
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.facets import (
    Comparison,
    casings,
    compare_readings,
    pairs,
    prompts,
    rewritten,
    special_tokens,
    typed_tokens,
)
from poolwise.doctor.known_prompts import prompts_of
from poolwise.doctor.matcher import Matcher
from poolwise.doctor.matching import UNKNOWN_LENGTHS, Lengths, match_lengths
from poolwise.doctor.reader import Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.rewritings import SEPARATOR
from poolwise.doctor.search import Hypothesis, Ranking, Search, rank, rank_rare, search
from poolwise.doctor.statement import Aspect
from poolwise.doctor.target import Target
from poolwise.doctor.truncation import Truncation, find_truncation
from poolwise.doctor.unsteady import unsteady_search, unsteady_tolerance
from poolwise.model import Model

TOLERANCE = 0.03
"""Vectors within this distance are the same but for rounding: a cosine above 0.9995."""

ROUNDINGS = 4.0
"""Of coarse numbers, the distance that is still rounding, as a multiple of the rounding itself."""

MOST_TOLERANCE = 0.2

NOISE = 2e-5
"""Float32 by another library, at most; a reading or length that is further away is another one."""

NOISES = 10.0
"""What is still noise, as a multiple of the error of the plain texts."""

FEW = 8
"""Plain texts that the many readings of a search are tried on."""

FEWEST_VALUES, FEWEST_BITS = 4, 32
"""Dimensions below which a readout fits by chance."""

FEW_TOKENS = 12

SHORT = 64
"""Tokens of texts that readings are compared on."""


@dataclass(frozen=True, slots=True)
class Identification:
    """How the vectors were made, as far as it shows.

    ``search`` is on the plain texts, ``best`` its result with everything learned since;
    ``comparisons`` are by aspect. ``lengths`` says how norms follow. ``matched`` says of each text
    whether its vector is what ``best`` gives, within ``noise``. ``unsteady``: vectors of a text
    differ by so much each time that most aspects do not show.
    """

    search: Search
    best: Hypothesis
    error: float
    noise: float
    tolerance: float
    target: Target
    comparisons: dict[Aspect, Comparison] = field(default_factory=dict)
    lengths: Lengths = UNKNOWN_LENGTHS
    truncation: Truncation | None = None
    matched: NDArray[np.bool_] | None = None
    scales: ScaledDimensions | None = None
    unsteady: bool = False

    @property
    def identified(self) -> bool:
        return bool(self.error <= self.tolerance and _enough(self.target))


def tolerance_of(target: Target) -> float:
    """The distance within which vectors of these numbers are the same but for rounding."""
    return min(max(TOLERANCE, ROUNDINGS * target.format.rounding), MOST_TOLERANCE)


def identify(
    reader: Reader, evidence: Evidence, more_prompts: Sequence[str] = ()
) -> Identification:
    """Search among all readouts and readings for what made the vectors of ``evidence``."""
    evidence = replace(evidence, plain=_shortest(reader, evidence))
    target = Target.of(evidence.vectors, reader.model.width)
    plain = [evidence.texts[row] for row in evidence.plain]
    known = prompts_of(reader.model, more_prompts)
    plain_target = target.rows(evidence.plain)
    tolerance = tolerance_of(target)
    usual = 0.0 if evidence.drift is None else unsteady_tolerance(evidence.drift.usual)
    if usual > tolerance and _enough(target):
        return _unsteady(reader, evidence, known, target, usual)
    found = _searched(reader, known, more_prompts, plain, plain_target)
    scales = None
    if found.best.error > tolerance:
        readings = [*_own_readings(reader.model, more_prompts), found.best.reading]
        if (fit := _scaled(reader, readings, plain, plain_target)) is not None:
            found, scales = fit
    if found.best.error > tolerance or not _enough(target):
        return Identification(found, found.best, found.best.error, tolerance, tolerance, target)
    if scales is not None:
        target = replace(target, values=(target.values - scales.shifts) / scales.slopes)
    noise = min(max(NOISE, NOISES * found.best.error), tolerance)
    best = _with_root(reader, found.best, plain, plain_target)
    matcher = Matcher(reader, best, list(evidence.texts), target, noise)
    matcher, comparisons, truncation = _refined(matcher, evidence, known)
    errors = matcher.errors(range(len(evidence.texts)))
    return Identification(
        found,
        matcher.hypothesis,
        float(np.median(errors[list(evidence.plain)])),
        noise,
        tolerance,
        target,
        comparisons,
        _lengths(matcher, evidence.plain),
        truncation,
        errors <= noise,
        scales,
    )


def _unsteady(
    reader: Reader, evidence: Evidence, known: Sequence[str], target: Target, tolerance: float
) -> Identification:
    """The readout, the prompt and missing special tokens, which noise does not hide."""
    rows = list(evidence.plain)
    texts = [evidence.texts[row] for row in rows]
    start = _own_readings(reader.model, ())[0]
    others = [start.changed(prompt=prompt) for prompt in known[1:]]
    stages = [[start], [*_less_special(start), *others]]
    found = unsteady_search(reader, stages, texts, target.rows(rows), tolerance)
    best = found.best
    result = Identification(found, best, best.error, tolerance, tolerance, target, unsteady=True)
    if not result.identified:
        return result
    matcher = Matcher(reader, best, list(evidence.texts), target, tolerance)
    prompted = prompts(best.reading, [*dict.fromkeys([best.reading.prompt, *known])])
    comparisons: dict[Aspect, Comparison] = {
        "prompt": compare_readings(matcher, rows, prompted),
    }
    if best.reading.special_tokens != "added":  # else noise may make them so
        comparisons["special tokens"] = compare_readings(
            matcher, rows, special_tokens(best.reading)
        )
    return replace(result, comparisons=comparisons, lengths=_lengths(matcher, rows))


def _enough(target: Target) -> bool:
    """Whether there are dimensions enough to tell readouts apart, and other values than zero."""
    return target.width >= (FEWEST_BITS if target.binary else FEWEST_VALUES) and bool(
        np.any(target.values)
    )


def _shortest(reader: Reader, evidence: Evidence) -> list[int]:
    """The plain rows of few tokens, which hardly a truncation reaches; at least half of them."""
    rows = np.array(evidence.plain, np.intp)
    lengths = reader.lengths(Reading(), [evidence.texts[row] for row in rows])
    most = max(FEW_TOKENS, float(np.median(lengths)))
    order = np.argsort(lengths, kind="stable")
    return [int(rows[i]) for i in order if lengths[i] <= most]


def _searched(
    reader: Reader,
    known: Sequence[str],
    more_prompts: Sequence[str],
    plain: Sequence[str],
    target: Target,
) -> Search:
    """Everything declared first; then each prompt, each use of special tokens, and both."""
    model = reader.model
    own_readings = _own_readings(model, more_prompts)
    start = own_readings[0]
    found = search(reader, [start], plain, target)
    if found.best.error <= NOISE:
        return found
    few, few_target = plain[:FEW], target.rows(range(min(FEW, len(plain))))
    prompted = [start.changed(prompt=prompt) for prompt in known]
    cased = any(text != text.lower() for text in plain)
    spelled = [
        other
        for reading in prompted
        if cased or reading.prompt != reading.prompt.lower()
        for other in list(casings(reader, reading).values())[1:]
    ]
    less_special = [r for reading in prompted for r in _less_special(reading)]
    stages = [[*prompted, *_less_special(start)], [*spelled, *less_special]]
    wide = _until(reader, stages, few, few_target, rank)
    if wide.best.error > TOLERANCE:
        rare = _until(reader, [[*own_readings, *_less_special(start)]], few, few_target, rank_rare)
        wide = min(wide, rare, key=lambda result: result.best.error)
    if wide.best.error >= found.best.error:
        return found
    rankings = (rank, rank_rare)
    again = [
        search(reader, [wide.best.reading], plain, target, ranking)
        for ranking in rankings[: 1 + (wide.best.error < 0.5 * found.best.error)]
    ]
    return min(found, *again, key=lambda result: result.best.error)


def _until(
    reader: Reader,
    stages: Sequence[Sequence[Reading]],
    texts: Sequence[str],
    target: Target,
    ranking: Ranking,
) -> Search:
    """The best of the stages, up to the first that explains the vectors."""
    results: list[Search] = []
    for readings in stages:
        results.append(search(reader, readings, texts, target, ranking))
        if results[-1].best.error <= TOLERANCE:
            break
    return min(results, key=lambda result: result.best.error)


def _own_readings(model: Model, more_prompts: Sequence[str]) -> list[Reading]:
    """As the folder reads texts; with its other prompts, none, and those given."""
    start = Reading(model.prefix, max_length=model.max_length, side=model.tokenizer.truncation_side)
    others = ["", *model.prompts.texts.values(), *more_prompts]
    return [*dict.fromkeys([start, *(start.changed(prompt=prompt) for prompt in others)])]


def _less_special(reading: Reading) -> list[Reading]:
    return [
        reading.changed(special_tokens="none"),
        reading.changed(special_tokens="no closing token"),
    ]


def _with_root(
    reader: Reader, best: Hypothesis, plain: Sequence[str], target: Target
) -> Hypothesis:
    """``sqrtmean`` in place of ``mean``, whose direction is the same, where norms show it."""
    if not best.pooled.startswith("mean@") or target.binary:
        return best
    lengths = _lengths(Matcher(reader, best, plain, target, 0.0), range(len(plain)))
    if lengths.kind != "grows with √tokens":
        return best
    specs = tuple(f"sqrt{spec}" for spec in best.specs)
    return replace(best, pooled=f"sqrt{best.pooled}", specs=specs)


def _scaled(
    reader: Reader, readings: Sequence[Reading], plain: Sequence[str], target: Target
) -> tuple[Search, ScaledDimensions] | None:
    """The readout whose every dimension is scaled and shifted, where one fits the vectors."""
    if target.binary or np.ptp(target.values, axis=0).max() == 0:
        return None
    fits: list[tuple[Hypothesis, ScaledDimensions]] = []
    for reading in dict.fromkeys(readings):
        for spec, pooled in reader.vectors(reading, plain, specs_of(reader.model)).items():
            rows = np.isfinite(pooled).all(axis=1)
            if pooled.shape[1] >= target.width and rows.sum() >= FEW:
                scales = fit_scales(pooled[rows], target.values[rows])
                fits.append((Hypothesis(reading, spec, (spec,), error=scales.error), scales))
    fits.sort(key=lambda pair: pair[1].error)
    if len(fits) < 2 or fits[0][1].error > TOLERANCE:
        return None
    (best, scales), (runner_up, _) = fits[:2]
    return Search(best, (), runner_up), scales


Options: TypeAlias = Callable[[Reading], dict[str, Reading]]


def _refined(
    matcher: Matcher, evidence: Evidence, known: Sequence[str]
) -> tuple[Matcher, dict[Aspect, Comparison], Truncation | None]:
    """The matcher with the nearest reading of each aspect in turn, and how near each was."""
    reader, plain = matcher.reader, list(evidence.plain)
    comparisons: dict[Aspect, Comparison] = {}

    def compare(matcher: Matcher, options: dict[Aspect, Options], rows: Sequence[int]) -> Matcher:
        for aspect, readings in options.items():
            comparison = compare_readings(matcher, rows, readings(matcher.reading))
            comparisons[aspect] = comparison
            if comparison.best is not None and comparison.best.error <= matcher.noise:
                matcher = matcher.reads(comparison.best.reading)
        return matcher

    all_prompts = [*dict.fromkeys([matcher.reading.prompt, *known])]
    casing: dict[Aspect, Options] = {"casing": lambda r: casings(reader, r)}
    matcher = compare(
        matcher,
        {"prompt": lambda r: prompts(r, all_prompts), "special tokens": special_tokens},
        plain,
    )
    lengths = matcher.lengths()
    longest_plain = max(lengths[row] for row in plain)
    matcher = compare(matcher, casing, _filled(matcher, np.flatnonzero(lengths <= longest_plain)))
    truncation = find_truncation(matcher)
    matcher = _with_length(matcher, truncation)
    cut = truncation is not None and truncation.kind == "cut"
    most = SHORT if truncation is None or cut else min(SHORT, max(truncation.length, longest_plain))
    short = _filled(matcher, np.flatnonzero(lengths <= most))
    matcher = compare(
        matcher,
        {
            **casing,
            "characters": lambda r: rewritten(r, "characters"),
            "white space": lambda r: rewritten(r, "white space"),
            "typed special tokens": typed_tokens,
        },
        short,
    )
    paired = [row for row in short if SEPARATOR in matcher.texts[row]]
    matcher = compare(matcher, {"pairs": lambda r: pairs(reader, r)}, paired)
    return matcher, comparisons, truncation


def _filled(matcher: Matcher, rows: NDArray[np.intp]) -> list[int]:
    return [int(row) for row in rows if matcher.texts[row].strip()]


def _with_length(matcher: Matcher, truncation: Truncation | None) -> Matcher:
    """The matcher that cuts texts as found."""
    reading = matcher.reading.changed(max_length=None)
    if truncation is not None and truncation.kind == "cut" and truncation.side is not None:
        reading = reading.changed(max_length=truncation.length, side=truncation.side)
    return matcher.reads(reading)


def _lengths(matcher: Matcher, plain: Sequence[int]) -> Lengths:
    if matcher.target.binary:
        return UNKNOWN_LENGTHS
    made = matcher.vectors(plain)
    rows = np.isfinite(made).all(axis=1)
    tokenized = matcher.reader.tokenize(matcher.reading, [matcher.texts[row] for row in plain])
    n_tokens = np.array([text.n_tokens for text in tokenized], np.intp)
    slack = max(1e-3, min(3 * matcher.hypothesis.error, MOST_TOLERANCE))
    values = matcher.target.values[np.asarray(plain, np.intp)]
    return match_lengths(made[rows], values[rows], n_tokens[rows], slack)
