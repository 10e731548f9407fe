"""What callers give: a model by name, folder or object; data of each kind in any container."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from poolwise.api.read_options import ReadOptions, check_owners
from poolwise.errors import OptionError, listed
from poolwise.model import Model, load
from poolwise.texts import (
    ColumnChoice,
    Datasets,
    InferredData,
    LabelKind,
    LabelledTexts,
    TaskName,
    Texts,
    labels_from,
    open_inferred,
    pairs_from,
    queries_from,
    queries_of_labels,
    tags_from,
    texts_from,
)
from poolwise.texts.memory import is_table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KindPrompts:
    """The prompts of queries and of documents, each as a text or by the name that the model's
    folder gives it; None for what the folder has for them."""

    query_prompt: str | None = None
    query_prompt_name: str | None = None
    document_prompt: str | None = None
    document_prompt_name: str | None = None

    def on(self, model: Model) -> Model:
        """The model with these prompts. Raises EncoderError for a name that it does not have."""
        model = model.prompted_as("query", self.query_prompt, self.query_prompt_name)
        return model.prompted_as("document", self.document_prompt, self.document_prompt_name)


NO_PROMPTS = KindPrompts()


def take_kind_prompts(options: dict[str, Any]) -> KindPrompts:
    """The KindPrompts among these keyword arguments, from which they are taken."""
    names = [field.name for field in fields(KindPrompts) if field.name in options]
    return KindPrompts(**{name: options.pop(name) for name in names})


def as_model(
    model: Model | str | Path,
    prompt: str | None = None,
    prompt_name: str | None = None,
    kinds: KindPrompts = NO_PROMPTS,
) -> Model:
    """The model itself, or what ``load`` gives for its name or folder; with the prompts, if any."""
    loaded = model if isinstance(model, Model) else load(model)
    return kinds.on(loaded.prompted(prompt, prompt_name))


def as_datasets(
    *,
    data: object = None,
    task: str | None = None,
    pairs: object = None,
    labels: object = None,
    tags: object = None,
    queries: object = None,
    texts: object = None,
    options: ReadOptions,
) -> Datasets:
    """Data sets of each kind that is not None.

    Each is one set, in a form that ``texts.labels_from`` and its siblings take, or a list of
    several sets (frames, data sets, paths). Or ``data`` alone is one whose kind is inferred, for
    ``task`` if it is given. Raises OptionError where an option could belong to several sets, or to
    none; TextError as those functions do.
    """
    if data is not None:
        kinds = {"labels": labels, "pairs": pairs, "tags": tags, "queries": queries, "texts": texts}
        if others := [kind for kind, value in kinds.items() if value is not None]:
            raise OptionError(
                f"found data and {listed(others)}, expected data alone, or not at all"
            )
        if options.corpus is not None or options.relevance is not None:
            raise OptionError("corpus and relevance belong to queries; give queries, not data")
        return inferred_datasets(data, task, options).datasets
    if options.target is not None:
        raise OptionError(
            "target names a column of data, and no data are given; that of labels is label_column"
        )
    sets = {
        "pairs": _sets(pairs),
        "labels": _sets(labels),
        "tags": _sets(tags),
        "queries": _sets(queries),
    }
    check_owners(sets, options)
    splits = options.reading | {"dev": options.dev, "test": options.test}
    labelled = _read(labels_from, "labels", sets["labels"], splits | _label_columns(options))
    proxied = labelled if options.queries_from else []
    return Datasets(
        pairs=_read(pairs_from, "pairs", sets["pairs"], splits | {"columns": options.columns}),
        labels=labelled,
        tags=_read(tags_from, "tags", sets["tags"], splits),
        queries=[
            *_read(
                queries_from, "queries", sets["queries"], splits | _query_options(options, sets)
            ),
            *(queries_of_labels(data, options.seed or 0) for data in proxied),
        ],
        texts=_read(
            texts_from,
            "texts",
            _text_sets(texts),
            options.reading | {"column": options.text_column},
        ),
    )


def inferred_datasets(data: object, task: str | None, options: ReadOptions) -> InferredData:
    """The data sets in a table of any kind, whose task is inferred unless it is given.

    Raises OptionError for what is no task, TextError as ``texts.open_inferred`` does.
    """
    if task is not None and task not in get_args(TaskName):
        raise OptionError(f"task is {task!r:.60}, expected one of {listed(get_args(TaskName))}")
    choice = ColumnChoice(
        cast("TaskName | None", task),
        options.text_column,
        options.target if options.target is not None else options.label_column,
        tuple(options.columns or ()),
    )
    inferred = open_inferred(
        data,
        choice,
        dev=options.dev,
        test=options.test,
        corpus_limit=options.corpus_limit,
        **options.reading,
    )
    if not options.queries_from:
        return inferred
    labels = inferred.datasets.labels
    if not labels:
        raise OptionError(
            f"queries_from='labels' takes texts with labels; {inferred.sentence.split(';')[0]}"
        )
    proxied = [queries_of_labels(labelled, options.seed or 0) for labelled in labels]
    return replace(inferred, datasets=replace(inferred.datasets, queries=proxied))


def check_score(score: str | None, datasets: Datasets) -> None:
    """Raises OptionError for what is no score, and for one of data that are not given."""
    if score is None:
        return
    from poolwise.selection.score_names import scored_kind  # noqa: PLC0415 - slow to import

    kind = scored_kind(score)
    if not getattr(datasets, kind):
        raise OptionError(
            f"score is {score!r:.60}, a score of {kind}, but no {kind} are given; pairs have their "
            "own"
        )


def read_labels(labels: object, kind: LabelKind, options: ReadOptions) -> LabelledTexts:
    """One set of labelled texts, for a classifier of this kind."""
    splits = {"dev": options.dev, "test": options.test, "kind": kind}
    arguments = options.reading | _label_columns(options) | splits
    return _read(labels_from, "labels", [labels], arguments)[0]


def _query_options(options: ReadOptions, sets: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    """The options of ``open_queries``; beside labels and pairs, the names of columns are theirs."""
    return {
        "corpus": options.corpus,
        "relevance": options.relevance,
        "corpus_limit": options.corpus_limit,
        "text_column": None if sets["labels"] else options.text_column,
        "id_column": options.id_column,
        "columns": None if sets["pairs"] else options.columns,
    }


def _label_columns(options: ReadOptions) -> dict[str, Any]:
    return {"text_column": options.text_column, "label_column": options.label_column}


def _read(
    read: Callable[..., T], kind: str, sets: Sequence[object], arguments: Mapping[str, Any]
) -> list[T]:
    """Each set; several of Python data are called ``labels 1``, ``labels 2``, …"""
    options = {k: value for k, value in arguments.items() if value is not None or k == "seed"}
    names = [kind] if len(sets) == 1 else [f"{kind} {i}" for i in range(1, len(sets) + 1)]
    return [read(data, name=name, **options) for data, name in zip(sets, names, strict=True)]


def _sets(data: object) -> list[object]:
    """Several sets where a list holds tables or paths; else one, or none.

    Rows in a list are one set, and so are files of one label (``LABEL=FILE``).
    """
    if data is None:
        return []
    if not isinstance(data, list) or not data or _is_row(data[0]):
        return [data]
    labelled = [item for item in data if _is_labelled_file(item)]
    tables = [item for item in data if not _is_labelled_file(item)]
    return [labelled, *tables] if labelled else tables


def _is_row(item: object) -> bool:
    """A list or dict, or a tuple that does not begin with a column."""
    if isinstance(item, tuple):
        return not item or isinstance(item[0], str | tuple) or not isinstance(item[0], Iterable)
    return isinstance(item, list | dict)


def _is_labelled_file(item: object) -> bool:
    return isinstance(item, str) and "=" in item and not Path(item).exists()


def _text_sets(data: object) -> list[object]:
    """Several sets where a list holds tables; a list of strings, paths or rows is one."""
    if data is None:
        return []
    if isinstance(data, list) and data and all(map(_is_text_set, data)):
        return list(data)
    return [data]


def _is_text_set(item: object) -> bool:
    return isinstance(item, Texts) or (is_table(item) and not isinstance(item, dict))
