"""Every token's hidden states and attention maps; ``extract`` gives one vector a text instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.engines import Engine, Plan, engine_of, pack, plan
from poolwise.errors import OptionError
from poolwise.extraction import tokenize
from poolwise.inputs import check_choices, flag, sentences, whole_number
from poolwise.progress import Progress
from poolwise.records import LongTexts, Sentence, TokenizedText, TokenOutputs

Rows = NDArray[np.intp]

GROUP_BYTES = 1 << 26
"""Hidden states and attention maps in one group."""


def token_outputs(
    encoder: Encoder,
    texts: str | Iterable[str | Sentence],
    *,
    engine: Engine | None = None,
    layers: Sequence[int] | None = None,
    attentions: bool = False,
    long: LongTexts = "truncate",
    progress: bool = False,
) -> Iterator[TokenOutputs]:
    """Texts in groups of equal length, longest first, of at most ``GROUP_BYTES`` where n > 1.

    All texts are tokenised before the first group. ``layers`` are hidden states, 0 (embeddings) to
    ``depth``, in any order; all of them by default. ``attentions`` adds the attention maps of every
    block, for which ``engine`` must return them. A text beyond the encoder's maximum length is cut
    to it, or refused (``long="error"``). Raises TextError for what are no texts and OptionError, at
    once.
    """
    check_choices(long=long)
    chosen_layers = _layers(layers, encoder.depth)
    attentions = flag("attentions", attentions)
    rows = list(sentences(texts))
    one_pass = _Pass(
        encoder,
        engine_of(encoder, attentions=attentions) if engine is None else engine,
        chosen_layers,
        plan(
            (),
            depth=encoder.depth,
            hidden_states=chosen_layers,
            attentions=range(1, encoder.depth + 1) if attentions else (),
        ),
    )
    return _groups(one_pass, rows, long, flag("progress", progress))


def _layers(layers: Sequence[int] | None, depth: int) -> tuple[int, ...]:
    if layers is None:
        return tuple(range(depth + 1))
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise OptionError(f"layers is {layers!r:.60}, expected hidden states such as [0, {depth}]")
    chosen_layers = tuple(whole_number("a layer of layers", layer, 0, depth) for layer in layers)
    if not chosen_layers:
        raise OptionError("layers names no hidden state, expected one or more")
    return chosen_layers


def _groups(
    one_pass: _Pass, texts: Sequence[Sentence], long: LongTexts, progress: bool
) -> Iterator[TokenOutputs]:
    tokens = tokenize(one_pass.encoder, texts, long=long)
    with Progress("texts", len(texts), show=progress) as bar:
        for rows in one_pass.groups(np.array([len(text.windows[0]) for text in tokens], np.intp)):
            yield one_pass.run([tokens[i] for i in rows], rows)
            bar.advance(len(rows))


@dataclass(frozen=True)
class _Pass:
    """What stays the same from group to group."""

    encoder: Encoder
    engine: Engine
    layers: tuple[int, ...]
    plan: Plan

    def groups(self, lengths: Rows) -> Iterator[Rows]:
        """Indices of texts of one length each, as many as fit into ``GROUP_BYTES``."""
        for t in np.unique(lengths)[::-1].tolist():
            floats = t * len(self.layers) * self.encoder.width
            floats += t * t * self._heads * len(self.plan.attentions)
            rows = np.flatnonzero(lengths == t)
            size = max(GROUP_BYTES // (4 * floats), 1)
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def run(self, tokens: Sequence[TokenizedText], rows: Rows) -> TokenOutputs:
        """The outputs of one group."""
        sequences = [text.windows[0] for text in tokens]
        n, t = len(sequences), len(sequences[0])
        hidden_states = np.empty((len(self.layers), n, t, self.encoder.width), np.float32)
        attentions = np.empty((len(self.plan.attentions), n, self._heads, t, t), np.float32)
        size = max(self.engine.token_budget // t, 1)
        packed = [pack(sequences[i : i + size]) for i in range(0, n, size)]
        for index, outputs in self.engine.run(packed, self.plan):
            batch = slice(index * size, index * size + len(packed[index]))
            for k, layer in enumerate(self.layers):
                hidden_states[k, batch] = outputs.hidden_states[layer]
            for k, block in enumerate(self.plan.attentions):
                attentions[k, batch] = outputs.attentions[block]
        return TokenOutputs(
            rows=rows,
            tokens=tokens,
            ids=np.stack([s.ids for s in sequences]),
            special=np.stack([s.special for s in sequences]),
            layers=self.layers,
            hidden_states=hidden_states,
            attentions=attentions if self.plan.attentions else None,
        )

    @property
    def _heads(self) -> int:
        return int(self.encoder.config["num_attention_heads"])
