"""Malformed calls of the native module: each must raise and leave valid encoders as they were.

    python malformed_calls.py [--calls 300] [--seed 1] [--threads 1] [--module path/to/_native.so]

Runs in a process of its own, because a bug can end the process. Needs NumPy and the module, which
may be built with sanitizers.
"""

from __future__ import annotations

import argparse
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from valid_arguments import encoder_arguments, equal, module, run_arguments
from wrong_encoders import bad_encoder
from wrong_requests import bad_call

ERRORS = (TypeError, ValueError, MemoryError, OverflowError, AttributeError)


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
    """Every level and precision."""
    options = []
    for level in [*native.levels(), "emulated"]:
        precisions = [p for p in ("exact", "near", "fast") if native.has_precision(level, p)]
        options += [{"level": level, "precision": p} for p in precisions]
    return options


def encoders(native, noise: np.random.Generator) -> list[dict]:
    """The arguments of an encoder of every kind at every level and precision."""
    tables = [{}, {"narrow": True}, {"relative": True}, {"rotary": True}, {"disentangled": True}]
    return [encoder_arguments(noise, **v, **t) for v in variants(native) for t in tables]


def attack(native, seed: int, calls: int) -> int:
    """Makes malformed calls, each of which must raise, and returns their number."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    arguments = encoders(native, noise)
    made = [native.Encoder(**encoder) for encoder in arguments]
    valid_calls = [run_arguments(False), run_arguments(True)]
    expected = [[e.run(**call) for call in valid_calls] for e in made]
    for number in range(calls):
        encoder_index, call_index = rng.randrange(len(made)), rng.randrange(2)
        encoder, valid = made[encoder_index], arguments[encoder_index]
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
