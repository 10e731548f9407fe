"""Requests with one invalid argument."""

from __future__ import annotations

import random

import numpy as np
from valid_arguments import DEPTH, POSITIONS, VOCABULARY
from wrong_arrays import SIZES, with_value, wrong_array

OUT_OF_RANGE = [-1, -(2**31), 2**31 - 1, 10**6]


def bad_offsets(rng, call):
    swapped = call["offsets"].copy()
    swapped[[1, 2]] = swapped[[2, 1]]
    doubled = np.insert(call["offsets"], 1, call["offsets"][1])
    out_of_range = with_value(rng, call["offsets"], OUT_OF_RANGE)
    return rng.choice([swapped, doubled, out_of_range, call["offsets"] + 1, call["offsets"][:1]])


def bad_rows(rng, call):
    first = call["offsets"][:-1]
    values = [
        first[::-1],
        first[[0, 0, 1]],
        with_value(rng, first, OUT_OF_RANGE),
        first[1:],
        first[:0],
    ]
    return np.ascontiguousarray(rng.choice(values))


def bad_linear(rng, call):
    pairs = [(-1, 0), (DEPTH + 1, 0), (0, 2), (0, -1), (0,), (0, 0, 0), (0.5, 0), ("0", 0), None, 3]
    pairs += [(2**31, 0), (0, 2**63)]
    values = [[*call["linear"], rng.choice(pairs)], None, 5, "ab", [(0, 0)] * 70_000]
    return rng.choice(values)


def bad_maxima(rng, call):
    terms = [[], [(1, 1.0), (0, 1.0)], [(0, 1.0), (0, 1.0)], [(DEPTH + 1, 1.0)], [(-1, 1.0)]]
    terms += [[(0, "1")], [(0,)], None, 3, [(2**40, 1.0)], [3]]
    bad = [(1, rng.choice(terms)), (2, [(0, 1.0)]), (-1, [(0, 1.0)]), (1,), None]
    if call["rows"] is not None:
        bad.append((1, [(DEPTH, 1.0)]))
    return rng.choice([[rng.choice(bad)], None, 5, "ab"])


def bad_hidden_states(rng, call):
    values = [
        [-1],
        [DEPTH + 1],
        [1, 0],
        [0, 0],
        [2**31],
        [2**70],
        [0.5],
        ["0"],
        None,
        3,
        "ab",
        {0: 1},
    ]
    if call["rows"] is not None:
        values.append([DEPTH])
    return rng.choice(values)


BAD_ARGUMENTS = {
    "ids": lambda d, c: with_value(d, c["ids"], [*OUT_OF_RANGE, VOCABULARY]),
    "positions": lambda d, c: with_value(d, c["positions"], [*OUT_OF_RANGE, POSITIONS]),
    "offsets": bad_offsets,
    "deepest": lambda d, _: d.choice([*SIZES, DEPTH - 1, DEPTH + 1]),
    "rows": bad_rows,
    "linear": bad_linear,
    "maxima": bad_maxima,
    "pooler": lambda d, _: d.choice([None, "yes", 2, [True], np.zeros(2)]),
    "hidden_states": bad_hidden_states,
    "threads": lambda d, _: d.choice([*SIZES, 65, 10**9]),
}
"""An invalid value of each argument of ``run``. Below the last layer there is no pooler."""


def bad_call(rng: random.Random, call: dict) -> dict:
    name = rng.choice(list(call))
    value = call[name]
    if name in BAD_ARGUMENTS and (rng.random() < 0.6 or not isinstance(value, np.ndarray)):
        return {**call, name: BAD_ARGUMENTS[name](rng, call)}
    axes = (1,) if name == "weights" else ()  # more rows of weights than the pools use are valid
    return {**call, name: wrong_array(rng, value, axes)}
