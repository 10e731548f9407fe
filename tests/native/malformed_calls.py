"""Malformed calls of the native module: each must raise and leave valid encoders as they were.

    python malformed_calls.py [--calls 300] [--seed 1] [--threads 1] [--module path/to/_native.so]

Runs in a process of its own, because a bug can end the process. Needs NumPy and the module, which
may be built with sanitizers.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

ERRORS = (TypeError, ValueError, MemoryError, OverflowError, AttributeError)
SQUARE = ("query", "key", "value", "attention_output")
WIDTH, HEADS, INNER, DEPTH, VOCABULARY, POSITIONS, ROWS = 24, 3, 40, 2, 30, 16, 12
IDS = np.array([3, 9, 1, 0, 29, 4, 4, 8, 2], np.int32)
OFFSETS = np.array([0, 4, 5, 9], np.int32)
SIZES = [-1, 0, 2**31 - 1, 2**31, -(2**31), 2**62, 2**70, 1.5, "1", None, [1], np.zeros(2)]


def module(path: str | None):
    if path is None:
        from poolwise import _native

        return _native
    spec = importlib.util.spec_from_file_location("_native", path)
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    return native


def encoder_arguments(noise: np.random.Generator, **options) -> dict:
    """Valid arguments of ``Encoder``, with those of ``options``: level, precision; and whether the
    encoder has the rarer tables, narrow and relative, is rotary, or has terms of relative
    positions."""
    array = lambda *shape: noise.normal(size=shape).astype(np.float32)  # noqa: E731
    linear = lambda outputs, inputs: (array(outputs, inputs), array(outputs))  # noqa: E731
    gains = lambda width: (array(width), array(width))  # noqa: E731
    narrow, relative = options.pop("narrow", False), options.pop("relative", False)
    if options.pop("rotary", False):
        return rotary_arguments(array, **options)
    embedding_width = 8 if narrow else WIDTH
    disentangled = options.pop("disentangled", False)
    terms = [array(HEADS, ROWS, WIDTH // HEADS) if disentangled else None for _ in range(2)]
    rows = np.clip(np.arange(2 * POSITIONS - 1) - 9, 0, ROWS - 1).astype(np.int32)
    layers = {role: linear(WIDTH, WIDTH) for role in SQUARE}
    layers |= {"intermediate": linear(INNER, WIDTH), "output": linear(WIDTH, INNER)}
    norms = {"attention_norm": gains(WIDTH), "output_norm": gains(WIDTH)}
    return {
        "width": WIDTH,
        "heads": HEADS,
        "key_value_heads": HEADS,
        "head_width": WIDTH // HEADS,
        "inner": INNER,
        "epsilon": 1e-5,
        "attention_scale": 0.3,
        "activation": "gelu",
        "normalization": "layer",
        "words": array(VOCABULARY, embedding_width),
        "positions": None if disentangled else array(POSITIONS, embedding_width),
        "type": array(embedding_width),
        "norm": None if disentangled else gains(embedding_width),
        "projection": linear(WIDTH, embedding_width) if narrow else None,
        "projected_norm": gains(WIDTH) if disentangled else None,
        "rotary": [],
        "blocks": [(layers, norms, None, None, *terms)] * DEPTH,
        "order": list(range(DEPTH)),
        "final_norm": None,
        "pooler": linear(WIDTH, WIDTH),
        "relative": array(HEADS, 2 * POSITIONS - 1) if relative else None,
        "distance_rows": rows if disentangled else None,
        **options,
    }


def rotary_arguments(array, **options) -> dict:
    """A pre-norm encoder with rotary positions, a window, gates, grouped heads and no bias, whose
    two blocks share their weights."""
    head_width, gains = 10, lambda: (array(WIDTH), None)
    layers = {
        "query": (array(HEADS * head_width, WIDTH), None),
        "key": (array(head_width, WIDTH), None),
        "value": (array(head_width, WIDTH), None),
        "attention_output": (array(WIDTH, HEADS * head_width), None),
        "intermediate": (array(INNER, WIDTH), None),
        "gate": (array(INNER, WIDTH), None),
        "output": (array(WIDTH, INNER), None),
    }
    norms = {"attention_input_norm": gains(), "feed_forward_input_norm": gains()}
    return {
        "width": WIDTH,
        "heads": HEADS,
        "key_value_heads": 1,
        "head_width": head_width,
        "inner": INNER,
        "epsilon": 1e-5,
        "attention_scale": 0.3,
        "activation": "silu",
        "normalization": "rms",
        "words": array(VOCABULARY, WIDTH),
        "positions": None,
        "type": None,
        "norm": None,
        "projection": None,
        "projected_norm": None,
        "rotary": [array(POSITIONS, 2, head_width // 2)],
        "blocks": [(layers, norms, 2, 0, None, None)],
        "order": [0] * DEPTH,
        "final_norm": gains(),
        "pooler": (array(WIDTH, WIDTH), None),
        "relative": None,
        "distance_rows": None,
        **options,
    }


def run_arguments(rows: bool) -> dict:
    weights = np.full((2, len(IDS)), 0.25, np.float32)
    if rows:  # each sequence's first token alone
        weights[0] = 0
        weights[0, OFFSETS[:-1]] = 1
    return {
        "ids": IDS.copy(),
        "positions": np.arange(len(IDS), dtype=np.int32),
        "offsets": OFFSETS.copy(),
        "deepest": DEPTH,
        "rows": OFFSETS[:-1].copy() if rows else None,
        "weights": weights,
        "linear": [(DEPTH, 0), (0, 1)],
        "maxima": [(1, [(0, 0.5), (1, 0.5)])],
        "pooler": True,
        "hidden_states": [0, DEPTH - 1] if rows else [1, DEPTH],
        "threads": 2,
    }


def equal(outputs, expected) -> bool:
    """Whether vectors and hidden states are equal, NaN to NaN."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, expected, strict=True))


def wrong_array(rng: random.Random, array: np.ndarray, axes: tuple[int, ...] = ()):
    """An array of another type, layout or, along ``axes``, length; or a value that is no array."""
    axis = rng.choice(axes or range(array.ndim))
    longer = np.concatenate([array, array.take([0], axis)], axis)
    dtypes = ["f8", "f2", "i8", "u4", "i2", "?", "c8", "O", "S4", array.dtype.newbyteorder()]
    strided = [slice(None)] * array.ndim
    strided[axis] = slice(None, None, 2)
    values = [
        *(array.astype(dtype) for dtype in dtypes),
        longer,
        longer.repeat(1000, axis),
        np.delete(array, 0, axis),
        array.take([], axis),
        array[None],
        array.sum(),
        np.concatenate([array, array], axis)[tuple(strided)],
        np.broadcast_to(array.flat[0], (2**20,) * array.ndim),
        memoryview(array.tobytes()),
        array.tolist(),
        object(),
        "array",
        {},
        7,
    ]
    if array.shape[0] > 1:
        values.append(np.flip(array, 0))
    if array.ndim == 2:
        values += [np.asfortranarray(array), array.T, array.ravel()]
    return rng.choice(values)


def with_value(rng: random.Random, array: np.ndarray, values: list[int]) -> np.ndarray:
    changed = array.copy()
    changed[rng.randrange(len(changed))] = rng.choice(values)
    return changed


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


def unaligned(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"x" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


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
    elif name == "attention_scale":
        value = rng.choice([float("nan"), float("inf"), "x", None])
    elif name == "epsilon":
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


def misuse(rng: random.Random, native, encoder, arguments: dict, call: dict):
    """A misuse of the module other than a bad argument."""
    fewer = dict(call)
    del fewer[rng.choice(list(call))]
    uses = [
        lambda: encoder.__init__(**arguments),
        lambda: native.Encoder.__new__(native.Encoder).run(**call),
        lambda: native.Encoder(*arguments.values()),
        lambda: encoder.run(*call.values()),
        lambda: encoder.run(**fewer),
        lambda: encoder.run(**call, more=1),
        lambda: native.Encoder.run(rng.choice([None, 3, native]), **call),
        lambda: encoder.add_block(arguments["blocks"][0]),
        lambda: encoder.set_embeddings(arguments["words"]),
        lambda: setattr(encoder, "words", arguments["words"]),
        lambda: native.has_precision(rng.choice(["", "avx9", None, 3]), "near"),
        lambda: type("Other", (native.Encoder,), {}),
        encoder.__reduce__,
        lambda: encoder.__setstate__({}),
    ]
    return rng.choice(uses)


def variants(native) -> list[dict]:
    """The level and precision of every kind of kernel."""
    options = []
    for level in [*native.levels()[:1], "emulated"]:
        precisions = [p for p in ("exact", "near", "fast") if native.has_precision(level, p)]
        options += [{"level": level, "precision": p} for p in precisions]
    return options


def attack(native, seed: int, calls: int) -> int:
    """Makes malformed calls, each of which must raise, and returns their number."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    tables = [{}, {"narrow": True}, {"relative": True}, {"rotary": True}, {"disentangled": True}]
    arguments = [encoder_arguments(noise, **v, **t) for v in variants(native) for t in tables]
    encoders = [native.Encoder(**encoder) for encoder in arguments]
    valid_calls = [run_arguments(False), run_arguments(True)]
    expected = [[e.run(**call) for call in valid_calls] for e in encoders]
    for number in range(calls):
        encoder_index, call_index = rng.randrange(len(encoders)), rng.randrange(2)
        encoder, valid = encoders[encoder_index], arguments[encoder_index]
        call = valid_calls[call_index]
        use = rng.choice(
            [
                partial(encoder.run, **bad_call(rng, call)),
                partial(encoder.run, **bad_call(rng, call)),
                partial(native.Encoder, **bad_encoder(rng, valid)),
                misuse(rng, native, encoder, valid, call),
            ]
        )
        try:
            use()
        except ERRORS:
            pass
        else:
            changed = set()
            if isinstance(use, partial):
                original = call if "ids" in use.keywords else valid
                changed = {n: v for n, v in use.keywords.items() if v is not original[n]}
            text = f"{changed or use}"[:2000]
            raise AssertionError(f"seed {seed}, call {number}: nothing raised: {text}")
        if not equal(encoder.run(**call), expected[encoder_index][call_index]):
            raise AssertionError(f"seed {seed}, call {number}: other vectors after it")
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # nanobind warns of each second __init__, and NumPy of casts
    native = module(options.module)
    seeds = range(options.seed, options.seed + options.threads)
    with ThreadPoolExecutor(options.threads) as threads:
        raised = sum(threads.map(lambda seed: attack(native, seed, options.calls), seeds))
    print(f"{raised} malformed calls raised")


if __name__ == "__main__":
    main()
