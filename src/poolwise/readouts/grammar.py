"""The grammar: from a readout's text to a Readout.

readout := pools ['@' layers] ('|' step)*
pools   := pool ('+' pool)*
pool    := a name of POOLS, or 'token[' k ']'
layers  := see layer_grammar
step    := see step_grammar
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from poolwise.errors import ReadoutError
from poolwise.readouts.aliases import BERT_AS_SERVICE, POOL_ALIASES, means_first_last
from poolwise.readouts.layer_grammar import read_layers
from poolwise.readouts.layers import Layer, LayerExpr, Span
from poolwise.readouts.pools import POOLS, Pool, PoolKind, join
from poolwise.readouts.scanner import Scanner, suggest
from poolwise.readouts.spec import Readout
from poolwise.readouts.step_grammar import read_steps
from poolwise.readouts.steps import Step


def parse(text: str) -> Readout:
    """The readout that ``text`` describes, as in ``parse("mean@-1|whiten(256)|l2")``.

    Raises ReadoutError, with the place, for a text that the grammar does not know or that
    could be read in two ways.
    """
    return _parsed(_checked(text))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Readout:
    """A caller of one text at a time parses the same readout each time."""
    scan = Scanner(text)
    counts_blocks = scan.remaining.startswith(tuple(BERT_AS_SERVICE))
    pool = _pools(scan)
    layers = _layers(pool, scan, counts_blocks)
    steps = read_steps(scan) if scan.take("|") else ()
    _expect_end(scan)
    return Readout(pool, layers, steps)


def parse_steps(text: str) -> tuple[Step, ...]:
    """The steps of a readout alone, as in ``parse_steps("whiten(256)|l2")``; "" gives none."""
    scan = Scanner(_checked(text))
    steps = read_steps(scan) if scan.ahead else ()
    _expect_end(scan)
    return steps


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise ReadoutError(f"a readout is a text such as 'mean@-1', found {type(text).__name__}")
    return text


def _expect_end(scan: Scanner) -> None:
    if scan.ahead:
        raise scan.error(f"expected '|' and a step, or the end, {scan.describe_next()}")


def _pools(scan: Scanner) -> Pool:
    """Several with a plus between stand side by side."""
    start = scan.at
    pools = [_pool(scan)]
    while scan.take("+"):
        at = scan.at
        pools.append(_pool(scan))
        if pools[-1] in pools[:-1]:
            raise scan.error(f"{pools[-1]} stands here a second time", at)
    for pool in pools if len(pools) > 1 else ():
        if pool.facts.form in ("pooler", "parts"):
            parts = "+".join(pool.facts.parts)
            instead = f"write {parts}" if parts else "it reads no layer"
            raise scan.error(f"{pool} cannot stand beside other pools: {instead}", start)
    return join(pools)


def _pool(scan: Scanner) -> Pool:
    _refuse_first_last(scan)
    at = scan.at
    word = scan.word()
    if not word:
        raise scan.error(f"expected a pool ({', '.join(POOLS)}), {scan.describe_next()}")
    if word == "NONE":
        raise scan.error("NONE keeps a vector for each token, and so gives none a sentence", at)
    name = POOL_ALIASES.get(word, word)
    if name not in POOLS:
        raise scan.error(f"unknown pool {word!r}: {suggest(word, POOLS, POOL_ALIASES)}", at)
    if name == "token":
        return _token(scan)
    return Pool(_words_only(name, scan) if scan.ahead == "[" else name)


def _token(scan: Scanner) -> Pool:
    scan.expect("[", "and a position, as in token[3]")
    position = scan.integer("a token's position such as 3 or -2")
    scan.expect("]", "after the position")
    return Pool("token", position)


def _words_only(name: str, scan: Scanner) -> PoolKind:
    kind = f"{name}[words]"
    if kind not in POOLS:
        raise scan.error(f"{name} takes no brackets, only token[3], mean[words], max[words] do")
    scan.take("[")
    at = scan.at
    if scan.word() != "words":
        raise scan.error(f"expected 'words', as in {kind}", at)
    scan.expect("]", "after 'words'")
    return kind


def _layers(pool: Pool, scan: Scanner, counts_blocks: bool) -> LayerExpr | None:
    if pool.kind == "pooler":
        if scan.ahead == "@":
            raise scan.error(
                "pooler takes no layer, its weights belong to the last block: write pooler for "
                "its output, or cls@-1 for the [CLS] row it starts from"
            )
        return None
    if scan.ahead in {"", "|"}:
        raise scan.error(f"{pool} needs a layer: write {_readings(pool)}")
    scan.expect("@", f"and a layer after {pool}")
    _refuse_first_last(scan)
    at = scan.at
    layers = read_layers(scan)
    if counts_blocks and (as_meant := _from_blocks(layers)) != layers:
        raise scan.error(
            "bert-as-service counts blocks from 0, where 0 is the embeddings here: "
            f"write {pool}@{layers} or, as it would read this, {pool}@{as_meant}",
            at,
        )
    return layers


def _readings(pool: Pool) -> str:
    if pool.kind == "cls":
        return (
            "cls@-1 for the [CLS] row of the last block, or pooler for what SimCSE's code calls "
            "cls, the output of the pooler"
        )
    return (
        f"{pool}@-1 for the last block, which sentence-transformers reads, or {pool}@-2 for the "
        "one before it, the default of bert-as-service"
    )


def _refuse_first_last(scan: Scanner) -> None:
    if means_first_last(scan.remaining):
        raise scan.error(
            "the first of a first-last average is block 1 to some and the embeddings to others: "
            "write mean@avg(1,-1) or mean@avg(0,-1)"
        )


def _from_blocks(layers: LayerExpr) -> LayerExpr:
    """What bert-as-service means by ``layers``: its block k, k >= 0, is hidden state k + 1."""

    def state(block: Layer) -> Layer:
        return block if block.named or block.index < 0 else Layer(block.index + 1)

    items = (
        Span(state(item.first), state(item.last)) if isinstance(item, Span) else state(item)
        for item in layers.items
    )
    return replace(layers, items=tuple(items))
