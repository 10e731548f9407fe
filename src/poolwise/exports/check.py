"""The round trip: an export's vectors in the library that it is for, beside poolwise's own."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.errors import StoreError, needs
from poolwise.model import Model
from poolwise.readouts import Readout, Step
from poolwise.records import Floats
from poolwise.transforms import Transform

TOLERANCE = 1e-5
"""The largest difference that is rounding, as a share of the largest value."""

_TEXTS = (
    "",
    "A",
    "She opened the letter, read it twice, and put it back.",
    "Is this card declined abroad?! (It cost 1,299.50 €)",
    "naïve café — Привет, 日本語 かな, שלום, ﬁne 👩‍🚀",
)
_MOST_WORDS = 1000

_EXPECTED_MESSAGE = "Default prompt name is set to"
"""sentence-transformers logs it as a warning for every folder with a default prompt."""

BATCH = 4  # some padding, but not of every text to the longest


def check_texts(encoder: Encoder) -> list[str]:
    """Texts of 0, 1, some and many words, the last beyond the maximum length; several scripts."""
    return [*_TEXTS, "the sea was calm and so were they " * (min(encoder.max_length, _MOST_WORDS))]


def own_vectors(model: Model, texts: Sequence[str], readout: Readout, steps: Transform) -> Floats:
    """poolwise's vectors of ``texts``, [n, width]."""
    spec = str(readout)
    batches = model.extract(texts, [readout], transforms={spec: steps})
    return np.concatenate([batch.vectors[spec] for batch in batches])


def sentence_transformers_differ(
    folder: Path, texts: Sequence[str], expected: Floats, steps: Sequence[Step]
) -> float:
    """How far sentence-transformers' vectors of ``texts`` are from the ``expected`` ones.

    A share of the largest value; ``steps`` are those of the readout. Raises StoreError beyond
    ``TOLERANCE``, where the folder does not load, and at any warning.
    """
    with needs("export", "checking an export"):
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

    with strict(folder, "sentence-transformers"):
        loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        vectors = loaded.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
    return difference(vectors, expected, texts, "sentence-transformers", steps)


def transformers_differ(
    folder: Path,
    model: Model,
    encoder: Encoder,
    texts: Sequence[str],
    pooled: Floats | None,
) -> float:
    """How far ``AutoModel``'s last hidden states are from those of ``model`` at that depth.

    ``encoder`` is ``model`` cut to it. Where there are ``pooled`` vectors, the pooler's are
    compared with them, too. Otherwise as ``sentence_transformers_differ``.
    """
    with needs("export", "checking an export"):
        import torch  # noqa: PLC0415 - takes seconds
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    worst = 0.0
    with strict(folder, "transformers"), torch.inference_mode():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        loaded = AutoModel.from_pretrained(folder, local_files_only=True)
        for group in model.token_outputs(texts, layers=[encoder.depth]):
            for row, states in zip(group.rows.tolist(), group.hidden_states[0], strict=True):
                inputs = tokenizer(
                    model.prefix + texts[row],
                    truncation=True,
                    max_length=model.max_length,
                    return_tensors="pt",
                )
                out = loaded(**inputs)
                pairs = [(out.last_hidden_state.numpy(), states[None])]
                if pooled is not None:
                    pairs.append((out.pooler_output.numpy(), pooled[[row]]))
                for vectors, expected in pairs:
                    worst = max(worst, difference(vectors, expected, [texts[row]], "transformers"))
    return worst


def difference(
    vectors: NDArray[Any],
    expected: NDArray[Any],
    texts: Sequence[str],
    library: str,
    steps: Sequence[Step] = (),
) -> float:
    """The largest difference, a row of both a text, as a share of the largest value expected."""
    if vectors.shape != expected.shape:
        raise StoreError(
            f"{library} reads vectors {vectors.shape} from the export, expected {expected.shape}; "
            "nothing was written"
        )
    scale = float(np.abs(expected).max())
    absolute = np.abs(vectors - expected.astype(np.float64))
    differences = absolute.reshape(len(vectors), -1).max(axis=1) / scale
    worst = float(differences.max())
    if not worst <= TOLERANCE:
        text = texts[int(np.nan_to_num(differences, nan=np.inf).argmax())]
        raise StoreError(
            f"{library} reads other vectors from the export than poolwise's: of the largest value "
            f"they differ by {worst:.1e}, where {TOLERANCE:.0e} is rounding "
            f"(farthest: {text[:60]!r}); nothing was written{_hint(steps)}"
        )
    return worst


def _hint(steps: Sequence[Step]) -> str:
    divides = any(step.name in ("standardize", "whiten") for step in steps)
    return (
        ". A Dense in float32 loses the digits of dimensions that hardly vary; fewer whitened "
        "ones, or center alone, keep them"
        if divides
        else ""
    )


@contextmanager
def strict(folder: Path, library: str) -> Iterator[None]:
    """Anything that goes wrong, or that would be warned of, is a StoreError; bars are hidden."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - takes seconds

    collector = _WarningCollector()
    had_bar = transformers_logging.is_progress_bar_enabled()
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    for logger in loggers:
        logger.addHandler(collector)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except StoreError:
        raise
    except Exception as error:
        reason = str(error).replace(str(folder), "the export")
        raise StoreError(
            f"{library} does not load the export, or not silently: {type(error).__name__}: "
            f"{reason[:400]}; nothing was written"
        ) from error
    finally:
        for logger in loggers:
            logger.removeHandler(collector)
        if had_bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    if collector.messages:
        message = " ".join(collector.messages[0].replace(str(folder), "the export").split())
        raise StoreError(f"{library} warns of the export: {message[:400]}; nothing was written")


class _WarningCollector(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith(_EXPECTED_MESSAGE):
            self.messages.append(message)
