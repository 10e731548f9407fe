"""The grammar of layers: from ``concat(-4:-1)`` to a LayerExpr.

layers  := layer | ('avg' | 'sum' | 'concat') '(' item (',' item)* ')' | 'weights(' weights ')'
item    := layer [':' layer]                                            both ends included
layer   := k | '-' k | 'embeddings'
weights := layer '=' number (',' layer '=' number)* | number (',' number)*
"""

from __future__ import annotations

from poolwise.readouts.layers import COMBINES, Layer, LayerExpr, Span
from poolwise.readouts.scanner import Scanner, suggest


def read_layers(scan: Scanner) -> LayerExpr:
    """The layers that come next in the text."""
    at = scan.at
    word = scan.word()
    if not word or word == "embeddings":
        layer = Layer(0, named=True) if word else Layer(scan.integer("a layer such as 12 or -1"))
        if scan.ahead in {",", ":"}:
            raise scan.error("several layers are combined by avg, sum or concat: avg(-4:-1)")
        return LayerExpr("single", (layer,))
    if word not in COMBINES:
        names = suggest(word, ["embeddings", *COMBINES])
        raise scan.error(f"expected a number such as -1 or a name, found {word!r}: {names}", at)
    scan.expect("(", f"after {word}")
    layers = _weights(scan) if word == "weights" else LayerExpr(word, _items(scan))
    scan.expect(")", "or ','")
    return layers


def _items(scan: Scanner) -> tuple[Layer | Span, ...]:
    items = [_item(scan)]
    while scan.take(","):
        items.append(_item(scan))
    return tuple(items)


def _item(scan: Scanner) -> Layer | Span:
    at = scan.at
    first = _layer(scan)
    if not scan.take(":"):
        return first
    last = _layer(scan)
    if (first.index < 0) == (last.index < 0) and first.index > last.index:
        raise scan.error(f"the range {first}:{last} is empty: did you mean {last}:{first}?", at)
    return Span(first, last)


def _layer(scan: Scanner) -> Layer:
    at = scan.at
    if not (word := scan.word()):
        return Layer(scan.integer("a layer such as 12, -1 or embeddings"))
    if word != "embeddings":
        raise scan.error(f"unknown layer {word!r}: expected a number or embeddings", at)
    return Layer(0, named=True)


def _weights(scan: Scanner) -> LayerExpr:
    has_names = "=" in scan.remaining.partition(")")[0]
    items: list[Layer] = []
    weights: list[float] = []
    while not weights or scan.take(","):
        if has_names:
            items.append(_layer(scan))
            scan.expect("=", "and a weight (each weight names its layer, or none does)")
        weights.append(scan.number("a weight such as 0.25"))
    return LayerExpr("weights", tuple(items), tuple(weights))
