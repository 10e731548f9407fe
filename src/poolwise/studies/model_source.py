"""Models of a sweep: each is loaded when it runs, so that one at a time is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from warnings import warn

from poolwise.encoders import Encoder
from poolwise.errors import EncoderError, MissingExtraError, PoolwiseWarning
from poolwise.model import Model
from poolwise.records import CAREFUL
from poolwise.selection.candidates import short_names
from poolwise.selection.duplicates import duplicate_groups


@dataclass(frozen=True, slots=True)
class ModelSource:
    """``name`` is what the user calls the model, ``load`` gives it."""

    name: str
    load: Callable[[], Model]


@dataclass(frozen=True, slots=True)
class SurveyedModel:
    """A model that was loaded once: its ``encoder`` without weights, and the numbers of the texts
    that it reads alike."""

    source: ModelSource
    encoder: Encoder
    groups: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Survey:
    """The models that could be loaded, and ``notes`` on those left out."""

    models: Sequence[SurveyedModel]
    notes: Sequence[str]


def survey(sources: Sequence[ModelSource], texts: Sequence[str]) -> Survey:
    """Load every model once, one after the other, and read how it tokenises the texts.

    A model that cannot be loaded, or is the same as an earlier one, is left out with a
    PoolwiseWarning. Raises EncoderError where none remains.
    """
    models: list[SurveyedModel] = []
    notes: list[str] = []
    for source in sources:
        try:
            model = source.load()
        except (EncoderError, MissingExtraError) as error:
            notes.append(leave_out(source.name, str(error)))
            continue
        encoder = model.without_weights()
        same = next((m for m in models if _facts(m.encoder) == _facts(encoder)), None)
        if same is None:
            models.append(SurveyedModel(source, encoder, duplicate_groups(model, texts)))
        else:
            notes.append(leave_out(source.name, f"it is the same model as {same.source.name}"))
    if not models:
        raise none_loaded(len(sources))
    return Survey(models, notes)


def leave_out(name: str, reason: str) -> str:
    """Warn that the model takes no part; the note that says so."""
    text = f"{name} is left out: {reason.removeprefix(f'{name}: ')}"
    warn(text, PoolwiseWarning, stacklevel=2)
    return f"{CAREFUL}{text}"


def none_loaded(n: int) -> EncoderError:
    """The error where none of ``n`` models runs."""
    return EncoderError(f"none of the {n} models could be loaded; the warnings say why of each")


def _facts(encoder: Encoder) -> tuple[object, ...]:
    """Equal where two models give the same vectors."""
    return encoder.hash, encoder.prefix, encoder.max_length


def reading_notes(encoders: Sequence[Encoder]) -> Iterator[str]:
    """How the models read texts, where they differ in it."""
    labels = short_names([encoder.name for encoder in encoders])
    if len({encoder.max_length for encoder in encoders}) > 1:
        lengths = (f"{x} {e.max_length:,}" for x, e in zip(labels, encoders, strict=True))
        yield f"the models read texts up to different lengths, in tokens: {', '.join(lengths)}"
    if len({encoder.prefix for encoder in encoders}) > 1:
        prompts = (
            f"{x} {e.prefix!r}" if e.prefix else f"{x} none"
            for x, e in zip(labels, encoders, strict=True)
        )
        yield f"the models put different prompts in front of a text: {', '.join(prompts)}"
