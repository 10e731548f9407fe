"""Whether a diagnosis says what a Setup is."""

from __future__ import annotations

import numpy as np
from setups import DEPTH, Setup, expected, same_as

from poolwise.doctor.diagnosis import Diagnosis

MANY = 16

SPECIAL = {"all": "added", "none": "none", "no closing": "no closing token"}
CASING = {
    "model": "as written",
    "lower": "lower-cased first",
    "kept": "the tokenizer's lower-casing switched off",
}


class OracleSource:
    """Vectors of an oracle's encoder, a text at a time, as a server gives them; of MANY at once,
    which are sent for maps alone, as a padded batch gives them."""

    def __init__(self, encoder, setup: Setup) -> None:
        self.encoder, self.setup = encoder, setup
        self.description = f"the oracle's {expected(setup)['pooled']}"

    def embed(self, texts):
        if len(texts) >= MANY:
            return self.encoder.vectors(self.setup, texts, batched=True)
        return np.concatenate([self.encoder.vectors(self.setup, [text]) for text in texts])


def mistakes(diagnosis: Diagnosis, setup: Setup, max_length: int, depth: int = DEPTH) -> list[str]:
    """What the diagnosis says otherwise than the setup, a line each."""
    right, found = expected(setup), {s.aspect: s.value for s in diagnosis.statements}
    wrong = [] if diagnosis.identified else ["not identified"]

    def check(name: str, value: object, *allowed: object) -> None:
        if value not in allowed:
            wrong.append(f"{name}: {value!r}, expected {' or '.join(map(repr, allowed))}")

    if right["readout"] is not None:
        allowed = {canonical(spec, depth) for spec in same_as(setup, depth)}
        if setup.precision == "int8":  # whole numbers hide norms
            allowed |= {str(spec).removesuffix("|l2") for spec in allowed}
            allowed |= {str(spec).replace("sqrtmean", "mean") for spec in allowed}
        check("readout", canonical(diagnosis.readout, depth), *allowed)
    else:
        check("pooled", canonical(found.get("readout"), depth), canonical(right["pooled"], depth))
        steps = "pooler" if right["pooler"] else "dense twice"
        check("after pooling", found.get("after pooling"), steps)
    check("prompt", found.get("prompt"), setup.prompt)
    check("special tokens", found.get("special tokens"), SPECIAL[setup.special])
    check("casing", found.get("casing", "as written"), CASING[setup.casing])
    length = setup.length or max_length
    cut = f"windows of {length}" if setup.long == "windows" else f"{length} {setup.side}"
    whole = [f"none up to {length}"] if setup.length is None else []
    check("truncation", found.get("truncation"), cut, *whole)
    return wrong


def canonical(spec: object, depth: int) -> object:
    """The spec with layers counted from the embeddings."""
    from poolwise.readouts import parse

    if not isinstance(spec, str):
        return spec
    readout = parse(spec)
    if readout.layers is None:
        return spec
    layers = readout.layers
    states = ",".join(map(str, layers.resolve(depth)))
    combine = "" if len(layers.resolve(depth)) == 1 else layers.combine
    return "|".join([f"{readout.pool}@{combine}({states})", *map(str, readout.steps)])
