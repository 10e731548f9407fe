"""The sweep: every question that the data can answer, over one pass of the encoder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from poolwise.errors import StudyError
from poolwise.json_values import to_plain
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.readouts import Readout
from poolwise.records import Finding, Precision
from poolwise.selection.duplicates import with_groups
from poolwise.selection.selection import Selection
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.alone import ALONE, How
from poolwise.studies.classification import Classification
from poolwise.studies.data_notes import as_read
from poolwise.studies.first import First
from poolwise.studies.geometry import Geometry
from poolwise.studies.layers import Layers
from poolwise.studies.pooler import Pooler
from poolwise.studies.probing import Probing
from poolwise.studies.similarity import Similarity
from poolwise.texts import Dataset, Datasets
from poolwise.transforms import fit
from poolwise.transforms.fitted_readout import FittedReadout

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


class Question(Protocol):
    """One study over vectors on a shelf. ``selection`` is there once findings have been asked for,
    where the question is which readout to take."""

    name: str
    question: str
    selection: Selection | None

    @property
    def data(self) -> Sequence[Dataset]:
        """What it is asked of."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """Every text whose vectors it wants."""
        ...

    def readouts(self, encoder: Encoder) -> Sequence[Readout]:
        """Pooled readouts that it wants of them."""
        ...

    def findings(
        self, model: Model, cache: VectorCache, *, progress: bool = False
    ) -> Iterator[Finding]:
        """Answers. Raises StudyError where the data cannot carry one."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A study: made once for each set of data of a kind or, if it ``compares``, for all of them
    together. In a sweep a ``short`` one takes its place, where the whole needs more passes."""

    study: Callable[[Any, str, int], Question]
    kind: str
    compares: bool = False
    short: Callable[[Any, str, int], Question] | None = None


PAIRS, LABELS, TEXTS = "pairs", "labels", "texts"

_SHORT_FIRST = partial(First, rearrange=False)

QUESTIONS: Mapping[str, Sequence[Asked]] = {
    "classification": [Asked(Classification, LABELS)],
    "similarity": [Asked(Similarity, PAIRS), Asked(Similarity, LABELS)],
    "layers": [Asked(Layers, PAIRS), Asked(Layers, LABELS)],
    "pooler": [Asked(Pooler, PAIRS), Asked(Pooler, LABELS)],
    "first": [
        Asked(First, PAIRS, short=_SHORT_FIRST),
        Asked(First, LABELS, short=_SHORT_FIRST),
    ],
    "knows": [Asked(Probing, LABELS, compares=True)],
    "geometry": [Asked(Geometry, PAIRS), Asked(Geometry, LABELS), Asked(Geometry, TEXTS)],
}
"""What can be asked, and of what, in the order of a sweep."""


def questions(
    material: Datasets,
    names: Iterable[str],
    *,
    asked: str = "default",
    seed: int = 0,
    short: bool = False,
) -> list[Question]:
    """The studies of these names that the material can answer; ``asked`` is the grid of those that
    choose a readout. ``short`` takes a study's shorter form where it has one."""
    made: list[Question] = []
    for name in names:
        for one in QUESTIONS[name]:
            data = getattr(material, one.kind)
            sets = [data] if one.compares and data else data
            study = (short and one.short) or one.study
            made += [study(some, asked, seed) for some in sets]
    return made


def answers(
    model: Model,
    asked: Sequence[Question],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> Iterator[tuple[Question, Finding]]:
    """Run the one pass that all the questions need, then each question's study."""
    texts = [text for question in asked for text in question.texts]
    readouts = {str(r): r for question in asked for r in question.readouts(model)}
    if not texts:
        raise StudyError("there is no text to measure on")
    cache = cache_vectors(model, texts, readouts.values(), precision=precision, progress=progress)
    provenance = with_date(model.provenance(precision) | {"texts": len(cache)})
    for question in asked:
        with single_blas_thread():
            found = list(question.findings(model, cache, progress=progress))
        for finding in found:
            notes = [*finding.notes, *_marks(cache)]
            whole = replace(finding, notes=notes, provenance={**provenance, **finding.provenance})
            yield question, as_read(whole, question.data)


def sweep(
    model: Model,
    material: Datasets,
    *,
    asked: str = "default",
    seed: int = 0,
    precision: Precision = "exact",
    progress: bool = False,
) -> Iterator[tuple[Finding, Selection | None]]:
    """Every question that encoder and material can answer, each finding as soon as it is there.

    With those that choose a readout of the grid ``asked`` comes the selection that they chose from.
    Of the taggers only the linear one runs: it takes a minute where the BiLSTM takes many.
    """
    options: dict[str, Any] = {"precision": precision, "progress": progress}
    material = with_groups(model, material)
    without = [
        *["pooler"] * (not model.has_pooler),
        *["knows"] * (len(material.labels) < 2),
    ]
    names = [name for name in QUESTIONS if name not in without]
    chosen = _one_geometry(questions(material, names, asked=asked, seed=seed, short=True))
    if chosen:
        for question, finding in answers(model, chosen, **options):
            yield finding, question.selection
    how = How(seed=seed, heads=["linear"], **options)
    for name in ("length", "tagging"):
        for finding in ALONE[name](model, material, how):
            yield finding, None


def _one_geometry(asked: Sequence[Question]) -> list[Question]:
    """The space has one shape or nearly so: of the geometries the last, of plain texts if any."""
    last = next((one for one in reversed(asked) if one.name == "geometry"), None)
    return [one for one in asked if one.name != "geometry" or one is last]


def winner(selection: Selection, made: Mapping[str, Any]) -> FittedReadout:
    """The contest's choice, its steps fitted on the texts of train."""
    readout, cache = selection.readouts[selection.chosen_index], selection.cache
    transform = None
    if readout.needs_fit:
        rows = cache.rows(selection.task.train_texts)
        vectors = cache[str(readout.pooled)][rows[cache.usable[rows]]]
        transform = fit(readout, vectors, cache.dense_stack)
    encoder = selection.encoder
    prompt = encoder.prefix if encoder.prefix or encoder.prompt is not None else None
    return FittedReadout(
        readout, transform, {key: _written(fact) for key, fact in made.items()}, prompt
    )


def _written(fact: object) -> str:
    """Plain facts as they are, others as JSON."""
    return fact if isinstance(fact, str) else json.dumps(to_plain(fact), ensure_ascii=False)


def scores(selection: Selection) -> Iterator[dict[str, Any]]:
    """A row a contender and part, for a table."""
    c = len(selection.readouts)
    for i, name in enumerate(selection.names):
        readout = selection.readouts[i] if i < c else None
        for part, found in (("dev", selection.dev_scores[i]), ("test", selection.test_scores[i])):
            yield {
                "data": selection.task.name,
                "readout": name,
                "baseline": readout is None,
                "pool": str(readout.pool) if readout else None,
                "layers": str(readout.layers) if readout and readout.layers else None,
                "steps": "|".join(map(str, readout.steps)) if readout else None,
                "part": part,
                "score": selection.task.score,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "chosen": i == selection.chosen_index,
                "tied": i < c and bool(selection.tied[i]),
                "dimensions": selection.dimensions[i],
                "cost": selection.cost(i),
            }


def _marks(cache: VectorCache) -> Iterator[str]:
    yield from cache.unknown
    if cache.n_truncated:
        yield f"{cache.n_truncated:,} texts were cut to the encoder's maximum length"
    unusable = int((~cache.usable).sum())
    if unusable:
        yield f"{unusable:,} texts are empty or have vectors that are not finite; left out"
