"""The waist's other view: every token's hidden states, and where each looks, for texts seen whole.

For questions about the inside of a sentence, and some ten thousand sentences; whoever wants one
vector a text asks ``extract``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.engines import Engine, pack, plan
from poolwise.engines.plan import Plan, Source
from poolwise.errors import OptionError
from poolwise.inputs import check_choices, flag, strings, whole_number
from poolwise.progress import Progress
from poolwise.readouts import Pool, parse
from poolwise.records import Inside, LongTexts, Tokens

Rows = NDArray[np.intp]

GROUP_BYTES = 1 << 26
"""Hidden states and attention maps held at a time."""


def look_inside(
    encoder: Encoder,
    texts: str | Iterable[str],
    *,
    engine: Engine,
    layers: Sequence[int] | None = None,
    attentions: bool = False,
    long: LongTexts = "truncate",
    progress: bool = False,
) -> Iterator[Inside]:
    """Texts in groups of equal length, longest first, each group small enough to hold.

    ``layers`` are hidden states, 0 (embeddings) to ``depth``; all of them by default, of each one
    array, in the order given.
    ``attentions`` adds the attention maps of every block, for which the engine must have them.
    A text beyond the encoder's maximum length is cut to it, or refused (``long="error"``). Raises
    TextError for what are no texts and OptionError, at once.
    """
    check_choices(long=long)
    chosen = tuple(range(encoder.depth + 1)) if layers is None else _chosen(layers, encoder.depth)
    look = _Look(encoder, engine, chosen, attentions)
    return _groups(look, strings(texts), long, flag("progress", progress))


def _chosen(layers: Sequence[int], depth: int) -> tuple[int, ...]:
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise OptionError(f"layers is {layers!r:.60}, expected hidden states such as [0, {depth}]")
    chosen = tuple(whole_number("a layer of layers", layer, 0, depth) for layer in layers)
    if not chosen:
        raise OptionError("layers names no hidden state, expected one or more")
    return chosen


def _groups(look: _Look, texts: Sequence[str], long: LongTexts, progress: bool) -> Iterator[Inside]:
    sequences = [text.windows[0] for text in look.encoder.tokenize(texts, long=long)]
    with Progress("texts", len(texts), show=progress) as bar:
        for rows in look.groups(np.array([len(s) for s in sequences], np.intp)):
            yield look.at([sequences[i] for i in rows], rows)
            bar.advance(len(rows))


@dataclass(frozen=True)
class _Look:
    """What stays the same from group to group."""

    encoder: Encoder
    engine: Engine
    layers: tuple[int, ...]
    attentions: bool

    def groups(self, lengths: Rows) -> Iterator[Rows]:
        """Texts of one length each, as many as may be held."""
        for t in np.unique(lengths)[::-1].tolist():
            floats = t * len(self.layers) * self.encoder.width
            floats += t * t * self._heads * self.encoder.depth * self.attentions
            rows = np.flatnonzero(lengths == t)
            size = max(GROUP_BYTES // (4 * floats), 1)
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def at(self, sequences: Sequence[Tokens], rows: Rows) -> Inside:
        """Run one group."""
        n, t = len(sequences), len(sequences[0])
        one_pass = self._plan(t)
        states = np.empty((len(self.layers), n, t, self.encoder.width), np.float32)
        maps = np.empty((len(one_pass.attentions), n, self._heads, t, t), np.float32)
        size = max(self.engine.token_budget // t, 1)
        packed = [pack(sequences[i : i + size]) for i in range(0, n, size)]
        for index, pooled in self.engine.run(packed, one_pass):
            here = slice(index * size, index * size + len(packed[index]))
            for at, layer in enumerate(self.layers):
                for p in range(t):
                    states[at, here, p] = pooled.vectors[_source(p, layer)]
            for at, block in enumerate(one_pass.attentions):
                maps[at, here] = pooled.attentions[block]
        return Inside(
            rows=rows,
            ids=np.stack([s.ids for s in sequences]),
            special=np.stack([s.special for s in sequences]),
            layers=self.layers,
            states=states,
            attentions=maps if self.attentions else None,
        )

    @property
    def _heads(self) -> int:
        return int(self.encoder.config["num_attention_heads"])

    def _plan(self, t: int) -> Plan:
        readouts = [parse(f"token[{p}]@{k}") for k in self.layers for p in range(t)]
        blocks = range(1, self.encoder.depth + 1) if self.attentions else ()
        return plan(readouts, depth=self.encoder.depth, attentions=blocks)


def _source(position: int, layer: int) -> Source:
    return Source(Pool("token", position), ((layer, 1.0),))
