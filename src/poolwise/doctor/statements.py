"""What an identification says, aspect by aspect, beside what the model's folder declares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poolwise.doctor.caching import shared_by_case
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.facets import Comparison
from poolwise.doctor.identify import Identification
from poolwise.doctor.reader import Reader
from poolwise.doctor.recomposed import hides_norms
from poolwise.doctor.statement import Aspect, Statement, confidence
from poolwise.readouts import Readout
from poolwise.selection.grid import canonical_key

FLOAT32 = 1e-5
"""Errors up to this come from float32 arithmetic: of the demo model 1e-6 at most. float16 makes
5e-5 (the first layers' [CLS], which hardly differs between texts) to 1.3e-3, bfloat16 3e-4 to
1.3e-2: benchmarks/results/doctor-2026-11-29.md."""

HALF = 3e-3
"""Up to this from float16; bfloat16 and int8 weights err by more in the mean of tokens."""

STABLE = 1e-5
"""Between vectors of the same text, what is only float32."""


def statements(reader: Reader, evidence: Evidence, found: Identification) -> Iterator[Statement]:
    """Every statement that the evidence allows, the most important first."""
    exact = found.identified and not found.unsteady
    if found.identified:
        yield _readout(reader, evidence, found)
        yield from _after(reader, found)
        yield _normalisation(reader, found)
        yield _dimensions(reader, found)
        yield from _readings(reader, found)
    if exact:
        yield from _empty(reader, evidence, found)
        yield from _truncation(reader, evidence, found)
    yield from _constant(found)
    yield _numbers(found)
    if exact:
        yield from _arithmetic(found)
    yield from _drift(evidence, found)
    if exact:
        yield from shared_by_case(reader, evidence, found)
        yield from _rows(evidence, found)


def _readout(reader: Reader, evidence: Evidence, found: Identification) -> Statement:
    declared = reader.model.declared
    pooled = None if declared is None else declared.pooled
    best, runner_up = found.best, found.search.runner_up
    name = best.pooled
    same = [h.pooled for h in found.search.same if h.pooled != name]
    agrees = None
    if pooled is not None:
        keys = [_key(spec, reader) for spec in (name, *same)]
        agrees = _key(str(pooled), reader) in keys
    sentence = f"{_meaning(name, reader)} ({name})."
    if same:
        sentence += f" These texts do not tell it from {', '.join(dict.fromkeys(same))}."
    next_error = None if runner_up is None else runner_up.error
    return Statement(
        "readout",
        name,
        sentence,
        confidence(found.error, next_error),
        None if runner_up is None else _named(runner_up.name, runner_up.reading.prompt),
        found.error,
        next_error,
        len(evidence.plain),
        None if pooled is None else str(pooled),
        agrees,
    )


def _named(name: str, prompt: str) -> str:
    return f"{name} after {prompt!r}" if prompt else name


def _key(spec: str, reader: Reader) -> object:
    try:
        return canonical_key(_parsed(spec), reader.model)
    except ValueError:
        return spec


def _parsed(spec: str) -> Readout:
    from poolwise.errors import ReadoutError  # noqa: PLC0415
    from poolwise.readouts import parse  # noqa: PLC0415

    try:
        return parse(spec)
    except ReadoutError as error:
        raise ValueError(spec) from error


def _meaning(spec: str, reader: Reader) -> str:
    """What a readout without steps reads, in words."""
    try:
        readout = _parsed(spec)
    except ValueError:
        return "Several readouts side by side"
    pool = readout.pool.facts.meaning
    if readout.pool.kind == "pooler":
        return "The checkpoint's pooler, tanh(W·cls@-1 + b)"
    if readout.pool.position is not None:
        pool = f"the token at position {readout.pool.position}"
    layers = readout.layer_indices(reader.model.depth)
    depth = reader.model.depth
    names = ["the embeddings" if n == 0 else f"block {n}" for n in layers]
    where = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    last = ", the last" if layers == (depth,) else ""
    return f"{pool[0].upper()}{pool[1:]}, of {where}{last}"


def _after(reader: Reader, found: Identification) -> Iterator[Statement]:
    declared = reader.model.declared
    best = found.best.after
    dense = reader.model.dense_stack is not None
    if found.scales is not None:
        yield Statement(
            "after pooling",
            "each dimension scaled and shifted",
            "Each dimension is scaled and shifted by its own numbers, as standardising does, or "
            "int8 over each dimension's range.",
            agrees=False if declared is not None else None,
            declared="nothing" if declared is not None else None,
        )
        return
    if best.name == "nothing" and not dense:
        return
    expected = "dense" if declared is not None and declared.has_dense else "nothing"
    if best.name == "nothing":
        sentence = "The Dense layers that the folder has after pooling are not applied."
    else:
        sentence = f"{best.meaning[0].upper()}{best.meaning[1:]}."
    yield Statement(
        "after pooling",
        best.name,
        sentence,
        declared=None if declared is None else expected,
        agrees=None if declared is None else best.name == expected,
    )


_LENGTHS = {
    "as pooled": ("none", "Vectors are not normalised: their norms are those of pooling."),
    "l2": ("l2", "Vectors are normalised to length 1."),
    "l2 before the cut": (
        "l2 before the cut",
        "Vectors were normalised first and cut then, so their lengths are below 1: normalise again "
        "after the cut.",
    ),
    "grows with √tokens": (
        "none",
        "Vectors are not normalised: their norms grow with the square root of the tokens' number.",
    ),
    "grows with tokens": (
        "sum",
        "Tokens are summed, not averaged: norms grow with the number of tokens.",
    ),
    "?": ("unknown", "The norms of the vectors follow no known rule."),
}


def _normalisation(reader: Reader, found: Identification) -> Statement:
    declared = reader.model.declared
    lengths = found.lengths
    if found.target.binary:
        return Statement("normalisation", "bits", "Only signs are kept, so there is no norm.")
    if found.unsteady and lengths.kind not in ("l2", "as pooled"):
        sentence = "The noise of the vectors hides whether they are normalised."
        return Statement("normalisation", "hidden", sentence)
    if hides_norms(found):
        sentence = "Whole numbers do not show whether vectors were normalised before."
        return Statement("normalisation", "hidden", sentence)
    if lengths.kind == "scaled":
        value = f"times {lengths.factor:.4g}"
        sentence = f"Vectors are {lengths.factor:.4g} times as long as pooling makes them."
    else:
        value, sentence = _LENGTHS[lengths.kind]
    expected = None
    if declared is not None:
        expected = "l2" if any(step.name == "l2" for step in declared.steps[-1:]) else "none"
    agrees = None if expected is None else value == expected
    if agrees is False and expected == "none" and value == "l2":
        sentence += " The folder does not say so; cosines stay the same."
        agrees = True if reader.model.similarity == "cosine" else agrees
    return Statement(
        "normalisation",
        value,
        sentence,
        confidence(lengths.spread, 1.0),
        error=lengths.spread,
        declared=expected,
        agrees=agrees,
    )


def _dimensions(reader: Reader, found: Identification) -> Statement:
    full = _full_width(reader, found)
    declared = reader.model.declared
    expected = None if declared is None else reader.model.width_of(declared)
    m = found.target.width
    cut = f"The first {m} of {full} dimensions are kept."
    return Statement(
        "dimensions",
        str(m),
        f"All {m} dimensions are kept." if m == full else cut,
        declared=None if expected is None else str(expected),
        agrees=None if expected is None else _same_width(m, expected, found),
    )


def _same_width(m: int, expected: int, found: Identification) -> bool:
    """Skipped or repeated Dense layers are told by their own statement."""
    return m == expected or found.best.after.name != "nothing"


def _full_width(reader: Reader, found: Identification) -> int:
    made = found.best.vectors(reader, ["a"], found.best.reading)
    return int(made.shape[1])


def _readings(reader: Reader, found: Identification) -> Iterator[Statement]:
    model = reader.model
    expected: dict[Aspect, str] = {
        "prompt": repr(model.prefix),
        "special tokens": "added",
        "casing": "as written",
        "characters": "as written",
        "white space": "as written",
        "typed special tokens": "as tokens",
        "pairs": "one text",
    }
    for aspect, comparison in found.comparisons.items():
        if statement := _reading(aspect, comparison, expected[aspect], found):
            yield statement


_SENTENCES: dict[Aspect, dict[str, str]] = {
    "special tokens": {
        "added": "The tokenizer's special tokens stand around every text.",
        "none": "No special tokens are added: the model has never seen texts so.",
        "no closing token": "The closing special token is missing: the last token is one of the "
        "text.",
    },
    "casing": {
        "as written": "Capital letters reach the tokenizer as they are written.",
        "lower-cased first": "Texts are lower-cased before the tokenizer, which tells capitals "
        "apart.",
        "the tokenizer's lower-casing switched off": "The tokenizer's own lower-casing is off: "
        "capital letters become tokens that the model hardly knows.",
    },
    "typed special tokens": {
        "as tokens": "A special token that is typed in a text is read as one.",
        "as text": "A special token that is typed in a text is read as plain text.",
    },
    "pairs": {
        "one text": "Two texts with ||| between them are read as one.",
        "a pair": "Two texts with ||| between them are read as a pair.",
        "a pair, two tokens between": "Two texts with ||| between them are read as a pair.",
    },
}


def _reading(
    aspect: Aspect, comparison: Comparison, expected: str, found: Identification
) -> Statement | None:
    best, runner_up = comparison.best, comparison.runner_up
    if best is None:
        return None
    same = comparison.same
    known = best.error <= found.noise
    value = best.name if known else "unknown"
    agrees = expected in (value, *same) if known else False
    if agrees and value != expected:
        value, same = expected, (best.name, *(name for name in same if name != expected))
    if known:
        sentence = _sentence(aspect, value)
        if same and not agrees:
            sentence += f" These texts do not tell it from {', '.join(same[:3])}."
    else:
        sentence = f"{aspect.capitalize()}: none of the ways tried gives these vectors."
    next_error = None if runner_up is None else runner_up.error
    return Statement(
        aspect,
        _plain(value),
        sentence,
        confidence(best.error, next_error),
        None if runner_up is None else _plain(runner_up.name),
        best.error,
        next_error,
        comparison.texts,
        _plain(expected),
        agrees,
    )


def _plain(value: str) -> str:
    """A prompt without the quotes of its repr."""
    import ast  # noqa: PLC0415

    return str(ast.literal_eval(value)) if value[:1] in "'\"" and value else value


def _sentence(aspect: Aspect, value: str) -> str:
    if aspect == "prompt":
        return (
            "No prompt stands in front."
            if value == "''"
            else f"{value} stands in front of every text."
        )
    if aspect in _SENTENCES:
        return _SENTENCES[aspect][value]
    what = {"characters": "Characters", "white space": "White space"}[aspect]
    if value == "as written":
        return (
            f"{what} reach the tokenizer as written."
            if aspect == "characters"
            else (f"{what} reaches the tokenizer as written.")
        )
    return f"{what}: {value}."


def _empty(reader: Reader, evidence: Evidence, found: Identification) -> Iterator[Statement]:
    refusals = [words for text, words in evidence.refused.items() if not text.strip()]
    rows = [row for row, text in enumerate(evidence.texts) if not text]
    if refusals and not rows:
        yield Statement("empty text", "refused", f"An empty text is refused: {refusals[0]}")
        return
    if not rows:
        return
    values = found.target.values[rows]
    if not np.any(values):
        yield Statement("empty text", "zeros", "An empty text has a vector of zeros.")
        return
    made = found.best.vectors(reader, [""], found.best.reading)
    error = float(found.target.rows(rows).distances(made)[0])
    if error <= found.noise:
        sentence = "An empty text has the vector of the special tokens alone."
        yield Statement("empty text", "special tokens alone", sentence, error=error)
    else:
        sentence = "An empty text has a vector that does not come from this readout."
        yield Statement("empty text", "unknown", sentence, error=error)


def _truncation(reader: Reader, evidence: Evidence, found: Identification) -> Iterator[Statement]:
    cut = found.truncation
    model = reader.model
    declared = f"{model.max_length} {model.tokenizer.truncation_side}"
    long_refused = [t for t in evidence.refused if len(t.split()) > 8]
    note = f" {len(long_refused)} longer texts are refused." if long_refused else ""
    if cut is None or (cut.kind == "whole" and cut.length <= 0):
        return
    if cut.kind == "whole":
        beyond = cut.length < model.max_length
        yield Statement(
            "truncation",
            f"none up to {cut.length}",
            f"Texts of up to {cut.length} tokens, the longest compared, are read to their end."
            + note,
            error=cut.error,
            texts=cut.texts,
            declared=declared,
            agrees=None if beyond else cut.length == model.max_length,
        )
        return
    if cut.kind == "cut":
        value = f"{cut.length} {cut.side}"
        kept = "beginning" if cut.side == "right" else "end"
        yield Statement(
            "truncation",
            value,
            f"Texts are cut to {cut.length} tokens, special ones included, of which the {kept} is "
            f"kept.{note}",
            confidence(cut.error, cut.next_error),
            cut.runner_up or None,
            cut.error,
            cut.next_error,
            cut.texts,
            declared,
            value == declared,
        )
        return
    if cut.kind == "windows":
        sentence = (
            f"Pooled twice: long texts are read in pieces of {cut.length} tokens, and the vectors "
            "of the pieces are averaged."
        )
        yield Statement(
            "truncation",
            f"windows of {cut.length}",
            sentence,
            error=cut.error,
            texts=cut.texts,
            declared=declared,
            agrees=False,
        )
        return
    yield Statement(
        "truncation",
        "unknown",
        f"Texts of more than {cut.length} tokens are read neither whole nor cut after any number "
        f"of tokens, nor in pieces.{note}",
        error=cut.error,
        texts=cut.texts,
        declared=declared,
        agrees=False,
    )


def _numbers(found: Identification) -> Statement:
    numbers = found.target.format
    return Statement("numbers", str(numbers), f"The values are {numbers}.")


def _arithmetic(found: Identification) -> Iterator[Statement]:
    error, rounding = found.error, found.target.format.rounding
    if found.target.binary or found.scales is not None:
        return
    if error <= max(FLOAT32, 2 * rounding):
        value = "float32" if error <= FLOAT32 else "hidden by rounding"
        sentence = (
            "The model was computed in float32."
            if value == "float32"
            else "How exactly the model was computed does not show behind the rounding of values."
        )
        yield Statement("arithmetic", value, sentence, error=error)
        return
    value, kind = (
        ("float16", "float16 arithmetic")
        if error <= HALF
        else ("bfloat16 or int8", "bfloat16 arithmetic, or of int8 weights")
    )
    yield Statement(
        "arithmetic",
        value,
        f"The model was computed at half precision or less: the distance of {error:.1e} is that of "
        f"{kind}.",
        error=error,
        declared="float32",
        agrees=False,
    )


def _drift(evidence: Evidence, found: Identification) -> Iterator[Statement]:
    drift = evidence.drift
    if drift is None:
        return
    rounding = found.target.format.rounding
    stable = max(STABLE, 4 * rounding)
    if drift.again <= stable:
        sentence = "The same text has the same vector each time."
    else:
        sentence = (
            f"The same text has another vector each time, by up to {drift.again:.2g}: is dropout "
            "on, or do several servers answer?"
        )
    yield Statement(
        "repetition",
        "the same" if drift.again <= stable else "another each time",
        sentence,
        error=drift.again,
        texts=drift.texts,
        agrees=drift.again <= stable,
    )
    if drift.swapped:
        yield Statement(
            "order",
            "swapped",
            f"{drift.swapped} of {drift.pairs} vectors of a request are those of other texts in "
            "it: their order is lost.",
            texts=drift.pairs,
            agrees=False,
        )
    if not drift.pairs:
        return
    rounds = max(stable, 4 * found.error if found.identified else 0, 2 * drift.again)
    same = drift.beside <= rounds
    sentence = (
        "A text has the same vector alone and beside longer ones."
        if same
        else f"A text has another vector beside longer ones, by up to {drift.beside:.2g}: padding "
        "leaks into it, or the wrong rows come back."
    )
    yield Statement(
        "batch neighbours",
        "no effect" if same else "change the vector",
        sentence,
        error=drift.beside,
        texts=drift.pairs,
        agrees=same,
    )


def _constant(found: Identification) -> Iterator[Statement]:
    values = found.target.values
    if not np.any(values):
        sentence = "Every vector is zero."
        yield Statement("rows", "all zero", sentence, texts=len(values), agrees=False)
    elif len(values) > 1 and np.ptp(values, axis=0).max() == 0:
        sentence = "Every text has the same vector."
        yield Statement("rows", "all the same", sentence, texts=len(values), agrees=False)


def _rows(evidence: Evidence, found: Identification) -> Iterator[Statement]:
    if found.matched is None or evidence.source is not None:
        return
    wrong = np.flatnonzero(~found.matched).tolist()
    if not wrong:
        return
    n = len(found.matched)
    examples = ", ".join(repr(_shortened(evidence.texts[row])) for row in wrong[:3])
    yield Statement(
        "rows",
        f"{n - len(wrong)} of {n}",
        f"{len(wrong)} of {n} vectors are not what this readout gives for their texts: {examples}.",
        texts=n,
        agrees=False,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
