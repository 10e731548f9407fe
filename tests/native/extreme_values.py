"""Encoders and requests with infinities, NaN and huge numbers: refused, or run to the end.

    python extreme_values.py [--calls 200] [--seed 1] [--module path/to/_native.so]

A sequence keeps its bits whatever another's embedding or weights of a pool hold. Runs in a process
of its own, as malformed_calls.py does.
"""

from __future__ import annotations

import argparse
import random

import numpy as np
from malformed_calls import encoders
from valid_arguments import IDS, OFFSETS, module, run_arguments

EXTREMES = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e20, 1e-38, 1e-45]


def spoilt(rng: random.Random, value):
    """A copy with an extreme value at a random place of one of its arrays, or in all of it."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        changed = value.copy()
        place = (rng.randrange(value.size),) if rng.random() < 0.7 else (slice(None),)
        changed.reshape(-1)[place] = rng.choice(EXTREMES)
        return changed
    if isinstance(value, dict):
        role = rng.choice(list(value))
        return {**value, role: spoilt(rng, value[role])}
    if isinstance(value, (list, tuple)):
        indices = [i for i, part in enumerate(value) if has_floats(part)]
        chosen = rng.choice(indices)
        return type(value)(spoilt(rng, x) if i == chosen else x for i, x in enumerate(value))
    return value


def has_floats(value) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(map(has_floats, value.values() if isinstance(value, dict) else value))
    return isinstance(value, np.ndarray) and value.dtype == np.float32


def spoil_a_weight(rng: random.Random, native, arguments: dict) -> None:
    """Where the encoder is not refused, it runs."""
    name = rng.choice([name for name, value in arguments.items() if has_floats(value)])
    try:
        encoder = native.Encoder(**{**arguments, name: spoilt(rng, arguments[name])})
    except ValueError as error:
        assert "no integer stands for" in str(error), error  # noqa: PT017
        return
    for rows in (False, True):
        encoder.run(**run_arguments(rows))


def spoil_a_sequence(rng: random.Random, native, arguments: dict, expected) -> None:
    """One token's embedding or weight of a pool: the sequences without it stay as they were; and no
    precision makes numbers of what is none."""
    call, token = run_arguments(False), rng.randrange(len(IDS))
    if rng.random() < 0.5:
        words = arguments["words"].copy()
        words[IDS[token], rng.randrange(words.shape[1])] = rng.choice(EXTREMES)
        encoder = native.Encoder(**{**arguments, "words": words})
        touched = IDS[token] == IDS
    else:
        encoder = native.Encoder(**arguments)
        call["weights"][:, token] = rng.choice(EXTREMES)
        touched = np.arange(len(IDS)) == token
    found = encoder.run(**call)
    whole = ~np.logical_or.reduceat(touched, OFFSETS[:-1])
    tokens = np.repeat(whole, np.diff(OFFSETS))
    np.testing.assert_array_equal(found[0][:, whole], expected[0][:, whole])
    np.testing.assert_array_equal(found[1][:, tokens], expected[1][:, tokens])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    native, rng = module(options.module), random.Random(options.seed)
    noise = np.random.default_rng(options.seed)
    all_arguments = encoders(native, noise)
    expected = [native.Encoder(**made).run(**run_arguments(False)) for made in all_arguments]
    for _ in range(options.calls):
        index = rng.randrange(len(all_arguments))
        spoil_a_weight(rng, native, all_arguments[index])
        spoil_a_sequence(rng, native, all_arguments[index], expected[index])
    print(f"{options.calls} encoders")


if __name__ == "__main__":
    main()
