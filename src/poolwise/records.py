"""What the rooms pass to each other: frozen, plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.charts import Chart
from poolwise.charts.chart import IntervalEstimate

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

Precision = Literal["exact", "near", "fast"]
"""float32; fp16 or int16; int8 or int16. See docs/concepts/precision.md."""

LongTexts = Literal["truncate", "error", "window"]
"""What happens to a text longer than the encoder's maximum length."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text to embed.

    ``id`` is the row number in its source, or what the source's id column says; None of a row of a
    corpus without a text whose id cannot be read either. ``group`` is
    empty for the user's own text; a study that adds control texts names them here. ``location`` is
    what an error calls its row (``reviews.csv, line 7``), empty if it is not from a file.
    ``extra`` holds the row's values in other columns, as asked for.
    """

    text: str
    id: int | str | None = 0
    group: str = ""
    location: str = field(default="", compare=False)
    extra: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sequence as the encoder sees it: [CLS] … [SEP].

    ``ids`` int32 [t]; ``special`` bool [t], true where the tokenizer added the token itself. No
    pool reads the first ``unread`` tokens: those of a prompt that is left out of pooling.
    """

    ids: Ints
    special: Bools
    unread: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_text(self) -> int:
        """How many tokens are the text's own: not special."""
        return self.special.tobytes().count(False)


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A text's windows: one, unless the text was long and ``long="window"``.

    ``n_tokens`` counts the tokens the encoder reads, special tokens included (tokens in the
    overlap of two windows once); ``truncated`` says that some of the text is not read.
    """

    windows: tuple[Tokens, ...]
    n_tokens: int
    truncated: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no token but the special ones."""
        return not any(window.n_text for window in self.windows)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Several sequences, packed without padding.

    ``ids`` int32 [total]; ``special`` bool [total]; sequence i is
    ``ids[offsets[i]:offsets[i + 1]]``, ``offsets`` int32 [n + 1]. ``unread`` int32 [n] are the
    tokens in front of each that no pool reads, None where every token is read.
    """

    ids: Ints
    special: Bools
    offsets: Ints
    unread: Ints | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """Tokens in each sequence, int32 [n]."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class RowFlag:
    """What a flag of a row means.

    ``message`` follows a count (``3 texts were empty``). ``warning`` is what ``Model.embed`` warns
    of, empty for nothing; it may name ``{count}``, ``{rows}`` and ``{max_length}``.
    """

    meaning: str
    message: str
    warning: str = ""


ROW_FLAGS: dict[str, RowFlag] = {
    "truncated": RowFlag(
        "some of the text is not read",
        "texts were cut to the maximum length",
        '{count} of {rows} texts were cut to {max_length} tokens; long="window" reads all of them',
    ),
    "empty": RowFlag("no token but the special ones", "texts were empty"),
    "nonfinite": RowFlag(
        "a vector holds NaN or infinity, or does not exist for this text",
        "texts have values that are not finite",
        "{count} vectors are not finite",
    ),
}
"""The attributes of a VectorBatch, bool [n], that flag rows; also their names in files."""


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """Consecutive texts, in the order they came, with their vectors.

    ``vectors`` maps a readout's string to an array [n, d] (float32, or int8 after ``int8`` and
    ``binary``). ``n_tokens`` int32 [n]; ``truncated``, ``empty`` and ``nonfinite`` bool [n] are the
    flags of ``ROW_FLAGS``: ``token[9]`` of a text of five tokens, for instance, does not exist.
    ``tokens`` are what the encoder read of each text; empty where the vectors come from elsewhere.
    """

    sentences: Sequence[Sentence]
    vectors: Mapping[str, NDArray[Any]]
    n_tokens: Ints
    truncated: Bools
    empty: Bools
    nonfinite: Bools
    tokens: Sequence[TokenizedText] = ()

    def __len__(self) -> int:
        return len(self.sentences)

    def flag_counts(self) -> dict[str, int]:
        """How many rows have each of ``ROW_FLAGS``."""
        return {flag: int(np.count_nonzero(getattr(self, flag))) for flag in ROW_FLAGS}


@dataclass(frozen=True, slots=True)
class TokenOutputs:
    """Hidden states and attention maps of n texts that have t tokens each.

    ``rows`` [n] are the texts' indices among those given; ``tokens`` what the encoder read of each.
    ``ids`` int32 [n, t]; ``special`` bool [n, t]. ``hidden_states`` float32 [layers, n, t, d]: that
    of every token at each of ``layers``. ``attentions`` float32 [depth, n, heads, t, t]: the
    attention weight of query i (row) on key j (column) in block b + 1; None where not requested.
    """

    rows: NDArray[np.intp]
    tokens: Sequence[TokenizedText]
    ids: Ints
    special: Bools
    layers: tuple[int, ...]
    hidden_states: Floats
    attentions: Floats | None = None

    def __len__(self) -> int:
        return len(self.rows)


class HasInterval(IntervalEstimate, Protocol):
    """An estimate: a value with its interval, and why either is None, as ``statistics`` has it."""

    @property
    def note(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Number:
    """One statistic. ``value`` is None where it is undefined; ``note`` then says why.

    ``low`` and ``high`` bound the 95 % interval. ``where`` places the number
    (``{"readout": "cls@6", "layer": 6, "length": "tokens"}``). ``control`` marks a comparison
    that should show nothing, ``baseline`` a score to beat.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    where: Mapping[str, str | int] = field(default_factory=dict)
    control: bool = False
    note: str = ""
    baseline: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        estimate: HasInterval,
        where: Mapping[str, str | int],
        *,
        control: bool = False,
        baseline: bool = False,
        note: str | None = None,
    ) -> Number:
        """The number of an estimate with its interval; ``note`` replaces the estimate's own."""
        reason = estimate.note if note is None else note
        return cls(
            name, estimate.value, estimate.low, estimate.high, where, control, reason, baseline
        )


CAREFUL = "careful: "
"""How a note begins that is shown wherever the verdict is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer: one sentence, the numbers it rests on, and what to draw. Plain data.

    ``verdict`` is one plain sentence without numbers but those that name something; ``evidence``
    is one line with the numbers that it rests on.
    ``provenance`` says how it came about: library version, model and its hash, texts and their
    hash, number of texts, seed, engine, precision, date. Its key in JSON is ``made``.
    """

    study: str
    question: str
    verdict: str
    numbers: Sequence[Number] = ()
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict, metadata={"key": "made"})
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do, from all findings of a run. Plain text; each field is one line.

    ``recommendation`` is one sentence of at most 25 words; ``reason`` one number with its interval,
    against what is used now; ``cost`` the dimensions, the share of the blocks and the speed
    measured; ``certainty`` how sure it is; ``command`` the next one to run, empty for none.
    ``notes`` say why findings that seem to contradict each other do not. ``charts`` stand below it:
    of several models the best of each, and scores against time.
    """

    recommendation: str
    reason: str = ""
    cost: str = ""
    certainty: str = ""
    command: str = ""
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
