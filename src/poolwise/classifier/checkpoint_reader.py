"""Reads a classifier's head from a checkpoint's folder, every value checked before use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.classifier.output_space import OutputSpace
from poolwise.encoders import Encoder
from poolwise.encoders.families import Family
from poolwise.encoders.modules.modules import MAX_POOLWISE_JSON, POOLWISE_JSON
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.tensor_tables import Shape
from poolwise.encoders.untrusted_files import MEGABYTE, abridge, as_object, read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.encoders.weight_names import read_names
from poolwise.engines import plan
from poolwise.errors import EncoderError, ReadoutError, listed
from poolwise.readouts import Readout, parse
from poolwise.records import Floats
from poolwise.texts import LABEL_KINDS, LabelKind

FORMAT = 1

WEIGHT, BIAS, QUERY = "classifier.weight", "classifier.bias", "classifier.query"

CLASSIFIERS = {
    "bert": "BertForSequenceClassification",
    "albert": "AlbertForSequenceClassification",
}
"""By family: transformers' class whose head is a linear layer over ``pooler``."""

PROBLEM_TYPES: Mapping[LabelKind, str] = {
    "classification": "single_label_classification",
    "multilabel": "multi_label_classification",
    "regression": "regression",
}
"""transformers' ``problem_type`` by the kind of labels."""


@dataclass(frozen=True, eq=False)
class ClassifierHead:
    """The fields of ``Classifier`` beside its model."""

    readout: Readout
    spec: str
    output_space: OutputSpace
    weight: Floats
    bias: Floats
    query: Floats | None
    provenance: Mapping[str, Any]


def has_head(encoder: Encoder) -> bool:
    """Whether the folder of ``encoder`` is said to be a classifier's, right or wrong."""
    if (path := encoder.folder / POOLWISE_JSON).exists():
        return "attention" in read_object(path, MAX_POOLWISE_JSON)
    path = encoder.folder / "config.json"
    classes = read_object(path).get("architectures") if path.exists() else None
    return bool(classes) and classes == [CLASSIFIERS.get(encoder.family.model_type)]


def read_head(encoder: Encoder) -> ClassifierHead:
    """The head in the folder of ``encoder``. Raises EncoderError unless all of it fits."""
    described = (encoder.folder / POOLWISE_JSON).exists()
    path, values = _poolwise_values(encoder) if described else _transformers_values(encoder)
    readout, space = _readout(values, encoder, path), _output_space(values, path)
    shapes: dict[str, Shape] = {
        WEIGHT: (space.width, encoder.width_of(readout)),
        BIAS: (space.width,),
    }
    if values["attention"]:
        shapes[QUERY] = (encoder.width,)
    tensors = _tensors(encoder.folder / WEIGHTS, shapes, path, encoder.family)
    return ClassifierHead(
        readout=readout,
        spec=values["asked"],
        output_space=space,
        weight=tensors[WEIGHT],
        bias=tensors[BIAS],
        query=tensors.get(QUERY),
        provenance=values["made"],
    )


def _poolwise_values(encoder: Encoder) -> tuple[Path, dict[str, Any]]:
    path = encoder.folder / POOLWISE_JSON
    values = read_object(path, MAX_POOLWISE_JSON)
    if values.get("format") != FORMAT:
        raise EncoderError(
            f"{path}: its format is {abridge(values.get('format'))}, expected {FORMAT}; a newer "
            "poolwise may read it"
        )
    for key, kind in {"readout": str, "asked": str, "attention": bool}.items():
        if type(values.get(key)) is not kind:
            raise EncoderError(
                f"{path}: {key} is {abridge(values.get(key))}, expected a {kind.__name__}"
            )
    as_object(values.setdefault("made", {}), f"{path}: made")
    return path, values


def _transformers_values(encoder: Encoder) -> tuple[Path, dict[str, Any]]:
    """The values of poolwise.json, from transformers' config.json."""
    path = encoder.folder / "config.json"
    config = read_object(path)
    classes = config.get("architectures")
    if classes != [CLASSIFIERS.get(encoder.family.model_type)]:
        names = listed(map(abridge, classes)) if isinstance(classes, list) else "no class"
        raise EncoderError(
            f"{encoder.name}: found {names} as its architecture and no {POOLWISE_JSON}, expected a "
            f"folder that poolwise tune has written, or {' or '.join(CLASSIFIERS.values())}"
        )
    labels = _labels(config, path)
    return path, {
        "kind": _kind(config.get("problem_type"), len(labels), path),
        "readout": "pooler",
        "asked": "pooler",
        "attention": False,
        "labels": labels,
        "made": {},
    }


def _labels(config: Mapping[str, Any], path: Path) -> list[Any]:
    """``id2label`` in the order of its numbers; transformers' own names where there is none."""
    if config.get("id2label") is None:
        number = config.get("num_labels", 2)
        if type(number) is not int or not 1 <= number <= MEGABYTE:
            raise EncoderError(f"{path}: num_labels is {abridge(number)}, expected a number")
        return [f"LABEL_{i}" for i in range(number)]
    names = as_object(config["id2label"], f"{path}: id2label")
    expected = [str(i) for i in range(len(names))]
    if {*names} != {*expected}:
        raise EncoderError(
            f"{path}: id2label has the keys {listed(map(abridge, names), limit=5)}, expected "
            f"the numbers from 0 to {len(names) - 1}"
        )
    return [names[i] for i in expected]


def _kind(problem: Any, labels: int, path: Path) -> LabelKind:
    if problem is None:
        return "regression" if labels == 1 else "classification"
    for kind, name in PROBLEM_TYPES.items():
        if problem == name:
            return kind
    raise EncoderError(
        f"{path}: problem_type is {abridge(problem)}, expected one of "
        f"{', '.join(PROBLEM_TYPES.values())}"
    )


def _readout(values: Mapping[str, Any], encoder: Encoder, path: Path) -> Readout:
    """The readout. Raises EncoderError where this encoder does not have it."""
    try:
        readout = parse(values["readout"])
        plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    except ReadoutError as error:
        raise EncoderError(f"{path}: {error}") from error
    if readout.steps:
        raise EncoderError(f"{path}: the readout {readout} has steps, expected none")
    layers = readout.layers
    if values["attention"] and (
        readout.pool.kind != "mean" or layers is None or layers.combine == "concat"
    ):
        raise EncoderError(
            f"{path}: found attention and the readout {readout}, expected mean of a layer, or of "
            "several by avg or sum"
        )
    return readout


def _output_space(values: Mapping[str, Any], path: Path) -> OutputSpace:
    kind, labels = values.get("kind"), values.get("labels")
    if kind not in LABEL_KINDS:
        raise EncoderError(f"{path}: kind is {abridge(kind)}, expected {', '.join(LABEL_KINDS)}")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise EncoderError(f"{path}: labels is {abridge(labels)}, expected a list of names")
    if kind == "regression":
        if len(labels) > 1:
            raise EncoderError(f"{path}: a regression of {len(labels)} numbers, expected one")
        return OutputSpace(kind)
    _check_labels(labels, 2 if kind == "classification" else 1, path)
    return OutputSpace(kind, tuple(labels))


def _check_labels(labels: Sequence[str], minimum: int, path: Path) -> None:
    if len(labels) < minimum:
        raise EncoderError(f"{path}: {len(labels)} labels, expected at least {minimum}")
    if len({*labels}) < len(labels):
        (label, _), *_ = Counter(labels).most_common(1)
        raise EncoderError(f"{path}: two outputs have the label {abridge(label)}")


def _tensors(
    path: Path, shapes: Mapping[str, Shape], description: Path, family: Family
) -> dict[str, Floats]:
    """The head's tensors from ``path``; their shapes follow from the file ``description``."""
    file = open_safetensors(path)
    wrapped = {
        name.canonical: stored for stored in file.entries for name in read_names(stored, family)
    }
    names = {name: name if name in file.entries else wrapped.get(name, "") for name in shapes}
    for name, shape in shapes.items():
        if not names[name]:
            raise EncoderError(f"{path}: has no {name}, which {description.name} asks for")
        actual = file.entries[names[name]].shape
        if actual != shape:
            raise EncoderError(
                f"{path}: {name} has shape {actual}, but {description.name} asks for {shape}"
            )
    tensors = file.read(names.values())
    return {name: tensors[stored] for name, stored in names.items()}
