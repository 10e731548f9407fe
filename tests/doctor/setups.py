"""How vectors are made, and what a right diagnosis of them says."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

DEPTH = 3
"""Blocks of the tiny encoders."""

WIDTH = 32
"""Dimensions of their token vectors."""

POOLER_FAMILIES = ("bert", "bert-cased", "roberta", "mpnet")
CASED_FAMILIES = ("bert-cased", "roberta", "modernbert")


@dataclass(frozen=True)
class Setup:
    """How vectors are made of texts.

    ``layers``     Hugging Face's numbers, 0 the embeddings; several are combined.
    ``combine``    ``avg`` or ``concat``, of several layers.
    ``pool``       as poolwise writes it: cls, sep, mean, mean[words], max, max[words], wmean,
                   sqrtmean, pooler (reads the last block), token[k].
    ``steps``      after pooling: ``l2``; ``truncate(k)``; ``dense``, all modules from the folder's
                   first Dense to its last; ``pooler``, the checkpoint's own on the pooled vector;
                   ``affine(k)``, a random linear map to k dimensions that no file holds.
    ``special``    tokens that are added: ``all``, ``none``, or ``no closing``: [CLS] alone.
    ``prompt``     stands in front of each text.
    ``casing``     ``model``: as the tokenizer does it; ``lower``: lower-cased before;
                   ``kept``: a tokenizer that lower-cases is kept from it.
    ``length``     most tokens, added ones included; None: the model's own.
    ``side``       the end of a long text that is lost.
    ``long``       ``truncate``, or ``windows``: a long text is cut into windows of ``length``,
                   without overlap, whose pooled vectors are averaged before the steps.
    ``precision``  ``float32``; of the finished vectors: ``float16`` (so typed), ``bfloat16`` (its
                   values as float32), ``int8`` (one scale for all: 127 is the largest value),
                   ``digits6`` (significant digits), ``decimals6``, ``decimals3`` (all float64);
                   ``half``: the encoder computes in float16, the rest in float32.
    """

    layers: tuple[int, ...] = (DEPTH,)
    combine: Literal["avg", "concat"] = "avg"
    pool: str = "mean"
    steps: tuple[str, ...] = ()
    special: Literal["all", "none", "no closing"] = "all"
    prompt: str = ""
    casing: Literal["model", "lower", "kept"] = "model"
    length: int | None = None
    side: Literal["right", "left"] = "right"
    long: Literal["truncate", "windows"] = "truncate"
    precision: str = "float32"

    @property
    def needs_dense(self) -> bool:
        """Whether only a folder with Dense modules will do."""
        return "dense" in self.steps


def _spec(pools: str, layers: str, steps) -> str:
    return "|".join([pools if pools == "pooler" else f"{pools}@{layers}", *steps])


def _layers(setup: Setup, combine: str) -> str:
    if len(setup.layers) == 1:
        return str(*setup.layers)
    return f"{combine}({','.join(map(str, setup.layers))})"


def expected(setup: Setup) -> dict[str, object]:
    """What a right diagnosis says; one of ``same_as(setup)`` is as right a ``readout``.

    ``readout`` is a spec of poolwise's grammar, or None where none expresses the steps: then
    ``pooled`` is right up to its last step that has a name. ``dense`` and ``pooler`` count how
    often each was applied to the pooled vector, ``affine`` is its width or None. The rest is as
    Setup says it; ``length`` and ``side`` are None where nothing but the model's limit cuts, on
    the usual side.
    """
    named = all(step in ("l2", "dense") or step.startswith("truncate") for step in setup.steps)
    known = named and setup.steps.count("dense") < 2
    layers = _layers(setup, setup.combine)
    sizes = [int(step[7:-1]) for step in setup.steps if step.startswith("affine")]
    return {
        "readout": _spec(setup.pool, layers, setup.steps) if known else None,
        "pooled": _spec(setup.pool, layers, ()),
        "dense": setup.steps.count("dense"),
        "pooler": setup.steps.count("pooler"),
        "affine": sizes[0] if sizes else None,
        "l2": "l2" in setup.steps[-1:],
        "special": setup.special,
        "prompt": setup.prompt,
        "casing": setup.casing,
        "length": setup.length,
        "side": setup.side,
        "long": setup.long,
        "precision": setup.precision,
    }


def same_as(setup: Setup, depth: int = DEPTH) -> set[str]:
    """Every spec that gives the same vectors as ``expected(setup)["readout"]``, itself included.

    Empty where that is None. Layers also count from the last; where only the direction is left,
    a sum is a mean; a row has two names; without added tokens all tokens are words.
    """
    if expected(setup)["readout"] is None:
        return set()
    if setup.pool == "pooler":
        return {_spec("pooler", "", steps) for steps in _same_steps(setup.steps)}
    linear = all(step == "l2" or step.startswith("truncate") for step in setup.steps)
    direction = linear and setup.steps[-1:] == ("l2",)
    pools = _same_pools(setup, direction and setup.long == "truncate")  # windows differ in length
    layers = _same_layers(setup, direction, depth)
    return {_spec(*parts) for parts in product(pools, layers, _same_steps(setup.steps))}


def _same_pools(setup: Setup, direction: bool) -> set[str]:
    groups = [{"cls", "token[0]"}, {"sep", "token[-1]"}]
    if setup.special == "none":
        groups += [{"mean", "mean[words]"}, {"max", "max[words]"}]
    pools = {setup.pool}.union(*(group for group in groups if setup.pool in group))
    if direction and pools & {"mean", "sqrtmean"}:
        pools |= {"mean", "sqrtmean"}
    return pools


def _same_layers(setup: Setup, direction: bool, depth: int) -> set[str]:
    names = [(str(k), str(k - depth - 1)) for k in setup.layers]
    names = [(*pair, "embeddings") if "0" in pair else pair for pair in names]
    if len(names) == 1:
        return set(names[0])
    combines = ["avg", "sum"] if direction and setup.combine == "avg" else [setup.combine]
    listed = {",".join(chosen) for chosen in product(*names)}
    if setup.layers == tuple(range(setup.layers[0], setup.layers[-1] + 1)):
        listed |= {f"{first}:{last}" for first, last in product(names[0], names[-1])}
    return {f"{combine}({items})" for combine, items in product(combines, listed)}


def _same_steps(steps: tuple[str, ...]) -> set[tuple[str, ...]]:
    """A norm divided out early does not show after a later l2, if nothing but a cut is between."""
    if steps[-1:] != ("l2",) or not all(s == "l2" or s.startswith("truncate") for s in steps):
        return {steps}
    cuts = tuple(step for step in steps if step != "l2")
    return {(*cuts, "l2"), *([("l2", *cuts, "l2")] if cuts else [])}
