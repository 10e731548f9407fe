"""Names that users of other libraries know, and names that mean two things."""

from __future__ import annotations

import re

from poolwise.readouts.pools import POOL_OF_MODE, POOLING_MODES, POOLS, PoolKind
from poolwise.readouts.steps import StepName

SENTENCE_TRANSFORMERS: dict[str, PoolKind] = {
    name: POOL_OF_MODE[mode]
    for mode, setting in POOLING_MODES.items()
    for name in (mode, setting)
    if name not in POOLS
}

BERT_AS_SERVICE: dict[str, PoolKind] = {
    "REDUCE_MEAN": "mean",
    "REDUCE_MAX": "max",
    "REDUCE_MEAN_MAX": "meanmax",
    "FIRST_TOKEN": "cls",
    "CLS_TOKEN": "cls",
    "LAST_TOKEN": "sep",
    "SEP_TOKEN": "sep",
    "CLS_POOLED": "pooler",
}
"""Its layer k, for k >= 0, is the output of block k counted from 0: Hugging Face's k + 1."""

POOL_ALIASES = SENTENCE_TRANSFORMERS | BERT_AS_SERVICE

STEP_ALIASES: dict[str, StepName] = {"normalize": "l2"}

_FIRST_LAST = re.compile(r"(avg|average|mean)?(of)?(the)?first(and)?last")


def means_first_last(text: str) -> bool:
    """Whether ``text`` begins with "first-last average" in any spelling.

    Block 1 and the last in BERT-flow and BERT-whitening; the embeddings and the last in
    SimCSE's printed table (Gao et al. 2021; issue 285 of its repository).
    """
    words = re.split(r"[@|(]", text, maxsplit=1)[0]
    return _FIRST_LAST.match(re.sub(r"[^a-z]", "", words.lower())) is not None
