"""Encoders with one invalid argument."""

from __future__ import annotations

import random

import numpy as np
from valid_arguments import HEADS, POSITIONS, ROWS, SQUARE, WIDTH
from wrong_arrays import SIZES, unaligned, wrong_array


def bad_pair(rng: random.Random, pair):
    """An invalid weight or gain with its bias, which may be None."""
    weight, bias = pair
    values = [(wrong_array(rng, weight), bias), (None, bias), (weight,), (*pair, weight), 3]
    if bias is not None:
        values.append((weight, wrong_array(rng, bias)))
    if weight.ndim == 2:
        values.append((bias, weight))
    return rng.choice(values)


def bad_roles(rng: random.Random, arrays: dict):
    """An invalid dict of a block's linear layers or norms."""
    role = rng.choice(list(arrays))
    renamed = {f"{name}2" if name == role else name: pair for name, pair in arrays.items()}
    changed = {**arrays, role: bad_pair(rng, arrays[role])}
    return rng.choice([changed, renamed, {**arrays, 3: arrays[role]}, None, [role], 3])


def bad_blocks(rng: random.Random, arguments: dict):
    layers, norms, window, rotary, *terms = block = arguments["blocks"][0]
    fewer = dict(layers)
    del fewer[rng.choice([*SQUARE, "intermediate", "output"])]
    bad_index = [-1, len(arguments["rotary"]), 2**31, 0.5, "0", [0]]
    values = [
        (bad_roles(rng, layers), norms, window, rotary, *terms),
        (layers, bad_roles(rng, norms), window, rotary, *terms),
        (fewer, norms, window, rotary, *terms),
        (layers, norms, rng.choice([-1, 2**31, 2**30 + 1, 0.5, "2", [2]]), rotary, *terms),
        (layers, norms, window, rng.choice(bad_index), *terms),
        (norms, layers, window, rotary, *terms),
        (layers, norms, window, rotary, bad_relative(rng, arguments), terms[1]),
        (layers, norms, window, rotary, terms[0], bad_relative(rng, arguments)),
        block[:-1],
        (*block, None),
        (),
        None,
        3,
    ]
    bad = rng.choice(values)
    return rng.choice([[block, bad], [bad], None, 3, "ab"])


def bad_relative(rng: random.Random, arguments: dict):
    """Invalid keys or queries of relative positions; without distances, all are."""
    good = np.zeros((HEADS, ROWS, WIDTH // HEADS), np.float32)
    bad = [good[:, 1:].copy(), good[:-1], good.astype(np.float64), good[:, ::-1], good[0], 3]
    return rng.choice(bad + [good] * (arguments["distance_rows"] is None))


def bad_distance_rows(rng: random.Random, arguments: dict):
    good = arguments["distance_rows"]
    values = [good[::-1].copy(), good[:-1], good - 1, good * 2**20, good + 1, good.astype(np.int64)]
    return rng.choice([*values, good[:0], good[None], 3])


def bad_order(rng: random.Random, arguments: dict):
    count = len(arguments["blocks"])
    return rng.choice([[0, count], [-1], [2**31], [0.5], ["0"], [None], None, 3])


def bad_rotary(rng: random.Random, arguments: dict):
    """Invalid tables; the blocks of an encoder that has some need its first one."""
    good = arguments["rotary"]
    table = good[0] if good else np.zeros((POSITIONS, 2, WIDTH // HEADS // 2), np.float32)
    values = [
        table[:, :1],
        table[:, :, :-1].copy(),
        table[:, :, ::-1],
        table.astype(np.float64),
        table[0],
        None,
        3,
    ]
    values += [table[:0]] if arguments["positions"] is None else [table[:-1]]
    bad = rng.choice(values)
    return rng.choice([[bad], [*good, bad], None, 3, *([[]] if good else [])])


def bad_table(rng: random.Random, name: str, value: np.ndarray):
    """An invalid table; a vocabulary may have any size."""
    values = [unaligned(value), value[:0], value[0], value.astype(np.float64), 3]
    if name == "words":
        values.append(value[:, :-1].copy())
    if name == "relative":
        values = [
            value[:, :-1].copy(),
            value[:-1],
            value[:, :0],
            value.astype(np.float64),
            value.T,
            3,
        ]
    return rng.choice(values)


BAD_LISTS = {
    "blocks": bad_blocks,
    "order": bad_order,
    "rotary": bad_rotary,
    "distance_rows": bad_distance_rows,
}


def bad_value(rng: random.Random, name: str, arguments: dict):
    value = arguments[name]
    if name in BAD_LISTS:
        value = BAD_LISTS[name](rng, arguments)
    elif name in ("words", "positions", "relative"):
        value = bad_table(rng, name, value)
    elif name == "type":
        value = rng.choice([unaligned(value), wrong_array(rng, value, (0,))])
    elif isinstance(value, tuple):
        value = bad_pair(rng, value)
    elif name in ("attention_scale", "epsilon"):
        value = rng.choice([float("nan"), float("inf"), -1.0, "x", None])
    elif isinstance(value, str):
        value = rng.choice(["", "gelu2", "exact\0", "x" * 10**6, 3, None, b"gelu"])
    else:
        neighbours = [5, 7] if "heads" in name else [value + 1, value - 1]
        value = rng.choice([*SIZES, *neighbours])
    return value


def bad_encoder(rng: random.Random, arguments: dict) -> dict:
    name = rng.choice([name for name in arguments if arguments[name] is not None])
    return {**arguments, name: bad_value(rng, name, arguments)}
