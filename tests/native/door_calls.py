"""Malformed calls of the native module: each must raise, and leave what is whole as it was.

    python door_calls.py [--calls 300] [--seed 1] [--threads 1] [--module path/to/_native.so]

A process of its own, since what is looked for ends processes; needs NumPy and the module, which may
be one that was built with sanitizers.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

RAISED = (TypeError, ValueError, MemoryError, OverflowError, AttributeError)
WIDTH, HEADS, INNER, DEPTH, VOCABULARY, PLACES = 24, 3, 40, 2, 30, 16
WORDS = np.array([3, 9, 1, 0, 29, 4, 4, 8, 2], np.int32)
OFFSETS = np.array([0, 4, 5, 9], np.int32)
SIZES = [-1, 0, 2**31 - 1, 2**31, -(2**31), 2**62, 2**70, 1.5, "1", None, [1], np.zeros(2)]


def module(path: str | None):
    if path is None:
        from poolwise import _native

        return _native
    spec = importlib.util.spec_from_file_location("_native", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def whole_encoder(noise: np.random.Generator, **kinds) -> dict:
    """What makes an encoder. ``kinds``: level, precision; narrow, relative for the rarer tables."""
    some = lambda *shape: noise.normal(size=shape).astype(np.float32)  # noqa: E731
    linear = lambda out, taken: (some(out, taken), some(out))  # noqa: E731
    gains = lambda width: (some(width), some(width))  # noqa: E731
    narrow, relative = kinds.pop("narrow", False), kinds.pop("relative", False)
    wide = 8 if narrow else WIDTH
    square = [linear(WIDTH, WIDTH) for _ in range(4)]
    block = (*square, gains(WIDTH), linear(INNER, WIDTH), linear(WIDTH, INNER), gains(WIDTH))
    return {
        "width": WIDTH,
        "heads": HEADS,
        "inner": INNER,
        "epsilon": 1e-5,
        "activation": "gelu",
        "words": some(VOCABULARY, wide),
        "positions": some(PLACES, wide),
        "type": some(wide),
        "norm": gains(wide),
        "projection": linear(WIDTH, wide) if narrow else None,
        "blocks": [block] * DEPTH,
        "pooler": linear(WIDTH, WIDTH),
        "relative": some(HEADS, 2 * PLACES - 1) if relative else None,
        **kinds,
    }


def whole_call(rows: bool) -> dict:
    weights = np.full((2, len(WORDS)), 0.25, np.float32)
    if rows:  # each sequence's first token alone
        weights[0] = 0
        weights[0, OFFSETS[:-1]] = 1
    return {
        "ids": WORDS.copy(),
        "positions": np.arange(len(WORDS), dtype=np.int32),
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


def same(outputs, others) -> bool:
    """Whether vectors and hidden states are equal, NaN to NaN."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, others, strict=True))


def other_array(draw: random.Random, array: np.ndarray, axes: tuple[int, ...] = ()):
    """An array of another type, layout or, along ``axes``, length; or no array."""
    axis = draw.choice(axes or range(array.ndim))
    longer = np.concatenate([array, array.take([0], axis)], axis)
    kinds = ["f8", "f2", "i8", "u4", "i2", "?", "c8", "O", "S4", array.dtype.newbyteorder()]
    apart = [slice(None)] * array.ndim
    apart[axis] = slice(None, None, 2)
    found = [
        *(array.astype(kind) for kind in kinds),
        longer,
        longer.repeat(1000, axis),
        np.delete(array, 0, axis),
        array.take([], axis),
        array[None],
        array.sum(),
        np.concatenate([array, array], axis)[tuple(apart)],
        np.broadcast_to(array.flat[0], (2**20,) * array.ndim),
        memoryview(array.tobytes()),
        array.tolist(),
        object(),
        "array",
        {},
        7,
    ]
    if array.shape[0] > 1:
        found.append(np.flip(array, 0))
    if array.ndim == 2:
        found += [np.asfortranarray(array), array.T, array.ravel()]
    return draw.choice(found)


def with_value(draw: random.Random, array: np.ndarray, values: list[int]) -> np.ndarray:
    changed = array.copy()
    changed[draw.randrange(len(changed))] = draw.choice(values)
    return changed


FAR = [-1, -(2**31), 2**31 - 1, 10**6]


def bad_offsets(draw, call):
    swapped = call["offsets"].copy()
    swapped[[1, 2]] = swapped[[2, 1]]
    doubled = np.insert(call["offsets"], 1, call["offsets"][1])
    far = with_value(draw, call["offsets"], FAR)
    return draw.choice([swapped, doubled, far, call["offsets"] + 1, call["offsets"][:1]])


def bad_rows(draw, call):
    first = call["offsets"][:-1]
    odd = [first[::-1], first[[0, 0, 1]], with_value(draw, first, FAR), first[1:], first[:0]]
    return np.ascontiguousarray(draw.choice(odd))


def bad_linear(draw, call):
    pairs = [(-1, 0), (DEPTH + 1, 0), (0, 2), (0, -1), (0,), (0, 0, 0), (0.5, 0), ("0", 0), None, 3]
    pairs += [(2**31, 0), (0, 2**63)]
    odd = [[*call["linear"], draw.choice(pairs)], None, 5, "ab", [(0, 0)] * 70_000]
    return draw.choice(odd)


def bad_maxima(draw, call):
    terms = [[], [(1, 1.0), (0, 1.0)], [(0, 1.0), (0, 1.0)], [(DEPTH + 1, 1.0)], [(-1, 1.0)]]
    terms += [[(0, "1")], [(0,)], None, 3, [(2**40, 1.0)], [3]]
    bad = [(1, draw.choice(terms)), (2, [(0, 1.0)]), (-1, [(0, 1.0)]), (1,), None]
    if call["rows"] is not None:
        bad.append((1, [(DEPTH, 1.0)]))
    return draw.choice([[draw.choice(bad)], None, 5, "ab"])


def bad_hidden_states(draw, call):
    odd = [[-1], [DEPTH + 1], [1, 0], [0, 0], [2**31], [2**70], [0.5], ["0"], None, 3, "ab", {0: 1}]
    if call["rows"] is not None:
        odd.append([DEPTH])
    return draw.choice(odd)


CALL = {
    "ids": lambda d, c: with_value(d, c["ids"], [*FAR, VOCABULARY]),
    "positions": lambda d, c: with_value(d, c["positions"], [*FAR, PLACES]),
    "offsets": bad_offsets,
    "deepest": lambda d, _: d.choice([*SIZES, DEPTH - 1, DEPTH + 1]),
    "rows": bad_rows,
    "linear": bad_linear,
    "maxima": bad_maxima,
    "pooler": lambda d, _: d.choice([None, "yes", 2, [True], np.zeros(2)]),
    "hidden_states": bad_hidden_states,
    "threads": lambda d, _: d.choice([*SIZES, 65, 10**9]),
}
"""What each argument of ``run`` may not be. Below the last layer there is no pooler."""


def bad_call(draw: random.Random, call: dict) -> dict:
    name = draw.choice(list(call))
    value = call[name]
    if name in CALL and (draw.random() < 0.6 or not isinstance(value, np.ndarray)):
        return {**call, name: CALL[name](draw, call)}
    axes = (1,) if name == "weights" else ()  # of which there may be more than are asked for
    return {**call, name: other_array(draw, value, axes)}


def unaligned(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"x" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


def bad_pair(draw: random.Random, pair):
    changed = list(pair)
    at = draw.randrange(2)
    changed[at] = other_array(draw, pair[at])
    odd = [tuple(changed), pair[:1], (*pair, pair[0]), (pair[1], pair[0]), (pair[0], None), 3]
    return draw.choice(odd if pair[0].ndim == 2 else [*odd[:3], *odd[4:]])


def bad_blocks(draw: random.Random, made: dict):
    block = list(made["blocks"][0])
    at = draw.randrange(len(block))
    changed = [*block[:at], bad_pair(draw, block[at]), *block[at + 1 :]]
    swapped = [*block[:5], block[6], block[5], block[7]]
    odd = [changed, block[:-1], [*block, block[0]], swapped, [], block[::-1]]
    bad = draw.choice([*map(tuple, odd), None, 3])
    return draw.choice([[made["blocks"][0], bad], [bad], None, 3, "ab"])


def bad_table(draw: random.Random, name: str, value: np.ndarray):
    """What the tables may not be; a vocabulary may have any size."""
    odd = [unaligned(value), value[:0], value[0], value.astype(np.float64), 3]
    if name == "words":
        odd.append(value[:, :-1].copy())
    if name == "relative":
        odd = [value[:, :-1].copy(), value[:-1], value[:, :0], value.astype(np.float64), value.T, 3]
    return draw.choice(odd)


def bad_value(draw: random.Random, name: str, made: dict):
    value = made[name]
    if name == "blocks":
        value = bad_blocks(draw, made)
    elif name in ("words", "positions", "relative"):
        value = bad_table(draw, name, value)
    elif name == "type":
        value = draw.choice([unaligned(value), other_array(draw, value, (0,))])
    elif isinstance(value, tuple):
        value = bad_pair(draw, value)
    elif name == "epsilon":
        value = draw.choice([float("nan"), float("inf"), -1.0, "x", None])
    elif isinstance(value, str):
        value = draw.choice(["", "gelu2", "exact\0", "x" * 10**6, 3, None, b"gelu"])
    else:
        near = [5, 7] if name == "heads" else [value + 1, value - 1]
        value = draw.choice([*SIZES, *near])
    return value


def bad_encoder(draw: random.Random, made: dict) -> dict:
    name = draw.choice([name for name in made if made[name] is not None])
    return {**made, name: bad_value(draw, name, made)}


def odd_use(draw: random.Random, native, encoder, made: dict, call: dict):
    """Calls that are no calls of ``Encoder`` or of ``run`` as they are meant."""
    fewer = dict(call)
    del fewer[draw.choice(list(call))]
    uses = [
        lambda: encoder.__init__(**made),
        lambda: native.Encoder.__new__(native.Encoder).run(**call),
        lambda: native.Encoder(*made.values()),
        lambda: encoder.run(*call.values()),
        lambda: encoder.run(**fewer),
        lambda: encoder.run(**call, more=1),
        lambda: native.Encoder.run(draw.choice([None, 3, native]), **call),
        lambda: encoder.add_block(made["blocks"][0]),
        lambda: encoder.set_embeddings(made["words"]),
        lambda: setattr(encoder, "words", made["words"]),
        lambda: native.has_half(draw.choice(["", "avx9", None, 3])),
        lambda: type("Other", (native.Encoder,), {}),
        encoder.__reduce__,
        lambda: encoder.__setstate__({}),
    ]
    return draw.choice(uses)


def kinds(native) -> list[dict]:
    found = []
    for level in [*native.levels()[:1], "portable"]:
        near = ["near"] if native.has_half(level) else []
        found += [{"level": level, "precision": p} for p in ("exact", "fast", *near)]
    return found


def attack(native, seed: int, calls: int) -> int:
    """How many raised; all of them, or this ends with what did not."""
    draw, noise = random.Random(seed), np.random.default_rng(seed)
    rare = [{}, {"narrow": True}, {"relative": True}]
    made = [whole_encoder(noise, **k, **r) for k in kinds(native) for r in rare]
    encoders = [native.Encoder(**some) for some in made]
    whole = [whole_call(False), whole_call(True)]
    expected = [[e.run(**call) for call in whole] for e in encoders]
    for number in range(calls):
        at, which = draw.randrange(len(made)), draw.randrange(2)
        encoder, arrays, call = encoders[at], made[at], whole[which]
        use = draw.choice(
            [
                partial(encoder.run, **bad_call(draw, call)),
                partial(encoder.run, **bad_call(draw, call)),
                partial(native.Encoder, **bad_encoder(draw, arrays)),
                odd_use(draw, native, encoder, arrays, call),
            ]
        )
        try:
            use()
        except RAISED:
            pass
        else:
            changed = set()
            if isinstance(use, partial):
                usual = call if "ids" in use.keywords else arrays
                changed = {n: v for n, v in use.keywords.items() if v is not usual[n]}
            found = f"{changed or use}"[:2000]
            raise AssertionError(f"seed {seed}, call {number}: nothing raised: {found}")
        if not same(encoder.run(**call), expected[at][which]):
            raise AssertionError(f"seed {seed}, call {number}: other vectors after it")
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # nanobind warns of each second __init__, and NumPy of casts
    native = module(asked.module)
    seeds = range(asked.seed, asked.seed + asked.threads)
    with ThreadPoolExecutor(asked.threads) as threads:
        done = sum(threads.map(lambda seed: attack(native, seed, asked.calls), seeds))
    print(f"{done} malformed calls raised")


if __name__ == "__main__":
    main()
