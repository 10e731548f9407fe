"""poolwise.diagnose: which readout made these vectors."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolwise.api.inputs import as_datasets, as_model, check_score
from poolwise.api.read_options import read_options
from poolwise.doctor.affine_map import rows_needed
from poolwise.doctor.cost_request import CostRequest, CostVectors
from poolwise.doctor.diagnose import diagnose_source
from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.endpoints.opening import open_endpoint
from poolwise.doctor.local_sources import FunctionSource, sentence_transformers_source
from poolwise.doctor.source import StoredVectors, VectorSource
from poolwise.doctor.stored import DEFAULT_LIMIT, stored_vectors
from poolwise.errors import OptionError, listed
from poolwise.inputs import flag, strings
from poolwise.model import Model

if TYPE_CHECKING:
    from poolwise.doctor.endpoints.discovery import API


def diagnose(
    model: Model | str | Path,
    *,
    endpoint: str | None = None,
    api: API | None = None,
    endpoint_model: str | None = None,
    key: str | None = None,
    vectors: Any = None,
    texts: Any = None,
    vector_column: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    sentence_transformers: str | Path | None = None,
    prompts: str | Iterable[str] = (),
    pairs: object = None,
    labels: object = None,
    queries: object = None,
    task: str | None = None,
    score: str | None = None,
    cost_vectors: CostVectors = "recomputed",
    seed: int = 0,
    progress: bool = False,
    **reading: Any,
) -> Diagnosis:
    """Which readout of ``model`` made vectors, aspect by aspect, beside what its folder declares.

    The vectors come from one of three:

    - ``endpoint``, the URL of a server, which is sent probe texts: ``api`` is its protocol and
      ``endpoint_model`` one of its models, which are found by asking; ``key`` is sent to it alone.
    - ``vectors``, made already: a file, table or array with its ``texts``, of which at least 1,000
      rows are read where there are as many; columns as ``doctor.stored.stored_vectors`` takes
      them. Or a function from a list of texts to an array [n, d], which is called on probe texts.
    - ``sentence_transformers``, a folder or a hub id, which that library loads here.

    ``prompts`` are tried beside the folder's own and those of published models.

    With ``pairs``, ``labels`` or ``queries``, as ``sweep`` takes them and their ``task``,
    ``score``, ``seed`` and ``reading``, the diagnosis says what a difference from the folder
    ``costs``: the scores of the declared readout and of the found one on the same rows. Vectors of
    these texts are ``recomputed`` here in the way that was found, unless ``cost_vectors`` is
    ``endpoint``: then the server is sent all of them. ``text_column`` and ``id_column`` are those
    of ``vectors``.

    Raises OptionError for none of these or several; EndpointError where a server fails, StoreError
    and TextError where files do, StudyError where data cannot carry an answer, EncoderError for a
    model, MissingExtraError.
    """
    options = {
        "endpoint": {"api": api, "endpoint_model": endpoint_model, "key": key},
        "vectors": {
            "texts": texts,
            "vector_column": vector_column,
            "text_column": text_column,
            "id_column": id_column,
        },
        "sentence_transformers": {},
    }
    given = {
        "endpoint": endpoint,
        "vectors": vectors,
        "sentence_transformers": sentence_transformers,
    }
    kind = _only_source(given, options)
    more_prompts = strings(prompts)
    shown = flag("progress", progress)
    read = read_options(seed, reading)
    cost = None
    if any(data is not None for data in (pairs, labels, queries)):
        datasets = as_datasets(pairs=pairs, labels=labels, queries=queries, options=read)
        check_score(score, datasets)
        cost = CostRequest(datasets, task, score, seed, cost_vectors)
    elif unowned := [*reading, *_given(task=task, score=score)]:
        raise OptionError(f"{listed(unowned)}: of pairs, labels or queries, and none are given")
    loaded = as_model(model)
    with ExitStack() as opened:
        source: VectorSource | StoredVectors
        if kind == "endpoint":
            source = open_endpoint(_text("endpoint", endpoint), api, endpoint_model, key)
            opened.enter_context(source)
        elif kind == "sentence_transformers":
            source = sentence_transformers_source(_path(sentence_transformers))
        elif callable(vectors):
            _check_function(options["vectors"])
            source = FunctionSource(vectors)
        else:
            limit = max(DEFAULT_LIMIT, rows_needed(loaded.width))
            source = stored_vectors(vectors, limit=limit, **options["vectors"])
        return diagnose_source(loaded, source, prompts=more_prompts, cost=cost, progress=shown)


def _given(**options: object) -> list[str]:
    return [name for name, value in options.items() if value is not None]


def _only_source(given: dict[str, Any], options: dict[str, dict[str, Any]]) -> str:
    """The name of the one source. Raises OptionError where there is not one, and for an option of
    another."""
    found = [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise OptionError(
            f"found {' and '.join(found) if found else 'no vectors'}, expected one of "
            f"{listed(given)}: where the vectors come from"
        )
    for owner, values in options.items():
        strangers = [name for name, value in values.items() if value is not None]
        if owner != found[0] and strangers:
            raise OptionError(f"{listed(strangers)}: of {owner}, and {found[0]} is given")
    return found[0]


def _check_function(options: dict[str, Any]) -> None:
    if others := [name for name, value in options.items() if value is not None]:
        raise OptionError(
            f"vectors is a function, which is called on probe texts: leave out {listed(others)}"
        )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise OptionError(f"{name} is {type(value).__name__} ({value!r:.40}), expected a text")
    return value


def _path(value: object) -> str | Path:
    return value if isinstance(value, Path) else _text("sentence_transformers", value)
