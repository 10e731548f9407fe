"""Published tables: the figures of each row, and the readout that its protocol means.

Figures are x 100, as printed. Where papers call two readouts by one name, each has a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from poolwise.statistics.aggregation import Aggregation

PresetKind = Literal["similarity", "transfer", "tagging", "probing"]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One printed row, its ``expected`` figures by data set.

    ``readout`` is that of the protocol, for tagging the name of a mix of layers; None for a row
    that cannot be run here, for a ``reason``. ``template`` wraps every text; ``fitted_on_all`` fits
    the readout's steps on the texts of all splits, which papers call "target".
    """

    name: str
    readout: str | None
    expected: Mapping[str, float]
    source: str
    aggregation: Aggregation = "all"
    template: str = "{}"
    fitted_on_all: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """A published table: ``model`` is its checkpoint, ``tolerance`` in units of its figures."""

    kind: PresetKind
    title: str
    model: str
    measure: str
    tolerance: float
    rows: Sequence[PublishedRow]


_STS = ("STS12", "STS13", "STS14", "STS15", "STS16", "STS-B")


def _sts(*figures: float, sick: str = "SICK-R test") -> dict[str, float]:
    """The seven figures of an STS table; ``sick`` says which pairs of SICK the last is of.

    They are those of the test split wherever SentEval's code or its splits were used: SBERT,
    SimCSE, BERT-flow, BERT-whitening and PromptBERT. MTEB's are of all of them.
    """
    return dict(zip((*_STS, sick), figures, strict=True))


_SBERT = "Reimers & Gurevych 2019, table 1"
_SIMCSE = "Gao, Yao & Chen 2021 (SimCSE), table 5"
_FLOW = "Li et al. 2020 (BERT-flow), table 2"
_WHITENING = "Su et al. 2021 (BERT-whitening)"
_PROMPT = "Jiang et al. 2022 (PromptBERT)"
_MTEB = "MTEB result files"

_STS_BERT = Preset(
    "similarity",
    "STS with BERT-base-uncased and no training",
    "bert-base-uncased",
    "Spearman of the cosine x 100",
    0.05,
    [
        PublishedRow(
            "GloVe average",
            None,
            _sts(55.14, 70.66, 59.73, 68.25, 63.66, 58.02, 53.76),
            _SBERT,
            reason="it reads no encoder",
        ),
        PublishedRow(
            "“Avg. BERT embeddings” (bert-as-service: second to last block)",
            "mean@-2",
            _sts(38.78, 57.98, 57.98, 63.15, 61.06, 46.35, 58.40),
            _SBERT,
        ),
        PublishedRow(
            "“BERT CLS-vector” (bert-as-service: second to last block)",
            "cls@-2",
            _sts(20.16, 30.01, 20.09, 36.88, 38.08, 16.50, 42.63),
            _SBERT,
        ),
        PublishedRow(
            "mean of the last block",
            "mean@-1",
            _sts(30.87, 59.89, 47.73, 60.29, 63.73, 47.29, 58.22),
            _SIMCSE,
        ),
        PublishedRow(
            "[CLS] of the last block",
            "cls@-1",
            _sts(21.54, 32.11, 21.28, 37.89, 44.24, 20.30, 42.74),
            _SIMCSE,
        ),
        PublishedRow(
            "“first-last avg”, first = embeddings (SimCSE as printed)",
            "mean@avg(0,-1)",
            _sts(39.70, 59.38, 49.67, 66.03, 66.19, 53.87, 62.06),
            _SIMCSE,
        ),
        PublishedRow(
            "“first-last avg”, first = block 1 (SimCSE as fixed)",
            "mean@avg(1,-1)",
            _sts(45.09, 64.30, 54.56, 70.52, 67.87, 59.05, 63.75),
            "SimCSE's code after issue 285",
        ),
        PublishedRow(
            "“first-last avg”, first = block 1, subsets weighted by size",
            "mean@avg(1,-1)",
            _sts(57.86, 61.97, 62.49, 70.96, 69.76, 59.04, 63.75),
            _FLOW,
            aggregation="wmean",
        ),
        PublishedRow(
            "whitening to 256, fitted on the target's texts",
            "mean@avg(1,-1)|whiten(256)|l2",
            _sts(63.89, 73.76, 69.08, 74.59, 74.40, 71.43, 62.2),
            _WHITENING,
            aggregation="wmean",
            fitted_on_all=True,
        ),
        PublishedRow(
            "whitening, fitted on NLI",
            None,
            _sts(57.83, 66.90, 60.90, 75.08, 71.31, 68.24, 63.73),
            _SIMCSE,
            reason="it is fitted on SNLI and MNLI, which are not among the data",
        ),
        PublishedRow(
            "static embeddings, biases removed",
            None,
            _sts(53.09, 66.48, 65.09, 69.80, 67.85, 61.60, 57.80),
            _PROMPT,
            reason="the words that it leaves out were chosen by hand",
        ),
        PublishedRow(
            "prompt, the vector at [MASK]",
            "token[-3]@-1",
            _sts(60.96, 73.83, 62.18, 71.54, 68.68, 70.60, 67.16),
            _PROMPT,
            template='This sentence : "{}" means [MASK].',
        ),
    ],
)

_STS_SENTENCE = Preset(
    "similarity",
    "STS with all-MiniLM-L6-v2",
    "demo",
    "Spearman of the cosine x 100",
    0.05,
    [
        PublishedRow(
            "all-MiniLM-L6-v2, mean",
            "mean@-1",
            _sts(72.37, 80.60, 75.59, 85.39, 78.99, 82.03, 77.58, sick="SICK-R"),
            _MTEB,
        )
    ],
)

_TRANSFER = ("MR", "CR", "SUBJ", "MPQA", "SST", "TREC", "MRPC")


def _transfer(*figures: float) -> dict[str, float]:
    return dict(zip(_TRANSFER, figures, strict=True))


_SENTEVAL = Preset(
    "transfer",
    "SentEval transfer with BERT-base-uncased: logistic regression on frozen vectors, 10 folds",
    "bert-base-uncased",
    "accuracy x 100",
    0.5,
    [
        PublishedRow(
            "mean", "mean@-1", _transfer(78.66, 86.25, 94.37, 88.66, 84.40, 92.8, 69.45), _SBERT
        ),
        PublishedRow(
            "[CLS]", "cls@-1", _transfer(78.68, 84.85, 94.21, 88.23, 84.13, 91.4, 71.13), _SBERT
        ),
    ],
)

_DEVLIN = "Devlin et al. 2019, table 7"

_TABLE_7 = Preset(
    "tagging",
    "CoNLL-2003 entities with frozen BERT-base-cased: two BiLSTM layers on each first sub-token",
    "bert-base-cased",
    "entity F1 on dev x 100",
    0.5,
    [
        *(
            PublishedRow(name, name, {"CoNLL-2003": figure}, _DEVLIN)
            for name, figure in (
                ("embeddings", 91.0),
                ("second to last", 95.6),
                ("last layer", 94.9),
                ("weighted sum of the last 4", 95.9),
                ("concat of the last 4", 96.1),
                ("weighted sum of all 12", 95.5),
            )
        ),
        PublishedRow(
            "fine-tuned", None, {"CoNLL-2003": 96.4}, _DEVLIN, reason="it trains the encoder"
        ),
    ],
)

_INFO = "jklj077/senteval-info"

_PROBING = Preset(
    "probing",
    "SentEval's sentence length with BERT-base-uncased: a linear probe",
    "bert-base-uncased",
    "accuracy x 100",
    1.0,
    [
        PublishedRow("[CLS], block 1", "cls@1", {"sentence length": 71.90}, _INFO),
        PublishedRow("[CLS], block 7", "cls@7", {"sentence length": 68.86}, _INFO),
        PublishedRow("[CLS], block 12", "cls@12", {"sentence length": 54.90}, _INFO),
        PublishedRow("mean, embeddings", "mean@0", {"sentence length": 96.76}, _INFO),
        PublishedRow("mean, block 7", "mean@7", {"sentence length": 89.57}, _INFO),
        PublishedRow("mean, block 12", "mean@12", {"sentence length": 77.61}, _INFO),
    ],
)

PRESETS: Mapping[str, Preset] = {
    "sts-bert": _STS_BERT,
    "sts-minilm": _STS_SENTENCE,
    "table7": _TABLE_7,
    "probing": _PROBING,
    "senteval-transfer": _SENTEVAL,
}
