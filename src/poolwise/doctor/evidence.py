"""Texts with the vectors that are to be explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor import probe_texts
from poolwise.doctor.drift import Drift, measure_drift
from poolwise.doctor.probe_texts import ProbeKind
from poolwise.doctor.reader import Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.source import StoredVectors, VectorSource
from poolwise.errors import EndpointError, RefusedTextError
from poolwise.progress import Progress

N_PLAIN = 12
"""Plain probe texts. Three told every setup of benchmarks/doctor.py, 8 those whose dimensions are
scaled one by one; half of them may be too long in the tokens of a model."""

PLAIN_STORED = 48
"""Of stored vectors, those of the shortest texts, which no truncation has touched."""

LONGEST = 600
"""Tokens of the longest probe text, roughly, where the model reads as many."""

DRIFT_TEXTS = 6


@dataclass(frozen=True, slots=True)
class Evidence:
    """``texts`` [n] with their ``vectors`` [n, d], as received or stored.

    ``plain`` are the rows of short texts that every way to clean texts leaves alike. ``refused``
    has the server's words by text; ``drift`` is of servers alone. ``source`` can make more vectors.
    """

    texts: Sequence[str]
    vectors: NDArray[Any]
    plain: Sequence[int]
    description: str
    refused: Mapping[str, str] = field(default_factory=dict)
    drift: Drift | None = None
    source: VectorSource | None = None
    notes: Sequence[str] = ()


def probe(
    source: VectorSource, reader: Reader, *, plain: int = N_PLAIN, progress: bool = False
) -> Evidence:
    """Send this model's probe texts. Raises EndpointError as ``send`` does."""
    texts = [text for texts in probes(reader, plain=plain).values() for text in texts]
    return send(source, texts, plain=plain, progress=progress)


def send(
    source: VectorSource, texts: Sequence[str], *, plain: int, progress: bool = False
) -> Evidence:
    """Send probe texts, each in a request of its own, then some of them together: the first
    ``plain`` are the plain ones, the last are long.

    Raises EndpointError where the source fails, or refuses even the plain texts.
    """
    rows: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    short, long = texts[:DRIFT_TEXTS], texts[-3:]
    with Progress("probe texts", len(texts) + DRIFT_TEXTS, show=progress) as bar:
        for number, text in enumerate(texts):
            try:
                rows[text] = source.embed([text])[0]
            except RefusedTextError as error:
                if number < plain:
                    raise EndpointError(
                        f"{source.description} refuses a plain text of {len(text.split())} words, "
                        f"{text!r}: {error}"
                    ) from error
                refused[text] = str(error)
            bar.advance(1)
        answered = [text for text in long if text in rows] or texts[plain - 2 : plain]
        alone = np.stack([rows[text] for text in short])
        drift = measure_drift(source, short, answered, alone)
        bar.advance(DRIFT_TEXTS)
    widths = {row.shape[0] for row in rows.values()}
    if len(widths) > 1:
        found = ", ".join(map(str, sorted(widths)))
        raise EndpointError(
            f"{source.description} answers with vectors of {found} dimensions, expected one number"
        )
    kept = [text for text in texts if text in rows]
    vectors = np.stack([rows[text] for text in kept])
    return Evidence(kept, vectors, range(plain), source.description, refused, drift, source)


def probes(reader: Reader, *, plain: int = N_PLAIN) -> dict[ProbeKind, list[str]]:
    """The probe texts for this model by kind, all different: plain ones first, long ones last."""
    special = reader.model.tokenizer.special
    names = [*special, "[SEP]"]
    before, after = reader.model.tokenizer.frame
    token = {number: name for name, number in special.items()}
    slots = {
        "cls": token.get(before[0], names[0]) if before else names[0],
        "sep": token.get(after[-1], names[0]) if after else names[0],
        "mask": next((name for name in names if "mask" in name.lower()), names[0]),
    }
    longest = min(reader.positions, LONGEST)
    whole = Reading()
    kinds: dict[ProbeKind, Sequence[str]] = {
        "plain": probe_texts.PLAIN[:plain],
        "cased": probe_texts.CASED,
        "characters": probe_texts.CHARACTERS,
        "white space": probe_texts.WHITE_SPACE,
        "typed special tokens": [text.format(**slots) for text in probe_texts.TYPED],
        "pairs": probe_texts.PAIRS,
        "empty": probe_texts.EMPTY,
        "long": probe_texts.long_texts(
            longest, lambda texts: reader.lengths(whole, texts).tolist()
        ),
    }
    kind_of: dict[str, ProbeKind] = {}
    for kind, texts in kinds.items():
        for text in texts:
            kind_of.setdefault(text, kind)
    return {kind: [text for text in kind_of if kind_of[text] == kind] for kind in kinds}


def stored_evidence(stored: StoredVectors, reader: Reader) -> Evidence:
    """Of vectors with their texts: the shortest texts are the plain ones."""
    texts = list(stored.texts)
    lengths = reader.lengths(Reading(), texts)
    long_enough = lengths >= np.quantile(lengths, 0.1)
    order = [int(row) for row in np.argsort(lengths, kind="stable") if texts[row].strip()]
    chosen = [row for row in order if long_enough[row]] or order
    different = list({texts[row]: row for row in reversed(chosen)}.values())[::-1]
    return Evidence(
        texts, stored.vectors, different[:PLAIN_STORED], stored.description, notes=stored.notes
    )
