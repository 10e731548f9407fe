"""The head of a checkpoint's folder: found, checked, read. Nothing of it is trusted."""

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
from poolwise.encoders.untrusted_files import MEGABYTE, as_object, describe, read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.encoders.weight_names import read_name
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
"""What transformers calls the kinds."""


@dataclass(frozen=True, eq=False)
class ReadHead:
    """As in ``Classifier``."""

    readout: Readout
    asked: str
    output_space: OutputSpace
    weight: Floats
    bias: Floats
    query: Floats | None
    provenance: Mapping[str, Any]


def read_head(encoder: Encoder) -> ReadHead:
    """The head beside ``encoder`` in its folder. Raises EncoderError unless all of it fits."""
    described = (encoder.folder / POOLWISE_JSON).exists()
    where, about = _described(encoder) if described else _of_transformers(encoder)
    readout, output_space = _readout(about, encoder, where), _output_space(about, where)
    shapes: dict[str, Shape] = {
        WEIGHT: (output_space.width, encoder.width_of(readout)),
        BIAS: (output_space.width,),
    }
    if about["attention"]:
        shapes[QUERY] = (encoder.width,)
    tensors = _tensors(encoder.folder / WEIGHTS, shapes, where, encoder.family)
    return ReadHead(
        readout=readout,
        asked=about["asked"],
        output_space=output_space,
        weight=tensors[WEIGHT],
        bias=tensors[BIAS],
        query=tensors.get(QUERY),
        provenance=about["made"],
    )


def _described(encoder: Encoder) -> tuple[Path, dict[str, Any]]:
    where = encoder.folder / POOLWISE_JSON
    about = read_object(where, MAX_POOLWISE_JSON)
    if about.get("format") != FORMAT:
        raise EncoderError(
            f"{where}: its format is {describe(about.get('format'))}, expected {FORMAT}; a newer "
            "poolwise may read it"
        )
    for key, kind in {"readout": str, "asked": str, "attention": bool}.items():
        if type(about.get(key)) is not kind:
            raise EncoderError(
                f"{where}: {key} is {describe(about.get(key))}, expected a {kind.__name__}"
            )
    as_object(about.setdefault("made", {}), f"{where}: made")
    return where, about


def _of_transformers(encoder: Encoder) -> tuple[Path, dict[str, Any]]:
    """The same of a folder that says it in transformers' words."""
    where = encoder.folder / "config.json"
    found = read_object(where)
    classes = found.get("architectures")
    if classes != [CLASSIFIERS.get(encoder.family.model_type)]:
        told = listed(map(describe, classes)) if isinstance(classes, list) else "no class"
        raise EncoderError(
            f"{encoder.name}: found {told} as its architecture and no {POOLWISE_JSON}, expected a "
            f"folder that poolwise tune has written, or {' or '.join(CLASSIFIERS.values())}"
        )
    labels = _labels_of(found, where)
    return where, {
        "kind": _kind_of(found.get("problem_type"), len(labels), where),
        "readout": "pooler",
        "asked": "pooler",
        "attention": False,
        "labels": labels,
        "made": {},
    }


def _labels_of(found: Mapping[str, Any], where: Path) -> list[Any]:
    """``id2label`` in the order of its numbers; transformers' own names where there is none."""
    if found.get("id2label") is None:
        number = found.get("num_labels", 2)
        if type(number) is not int or not 1 <= number <= MEGABYTE:
            raise EncoderError(f"{where}: num_labels is {describe(number)}, expected a number")
        return [f"LABEL_{i}" for i in range(number)]
    names = as_object(found["id2label"], f"{where}: id2label")
    expected = [str(i) for i in range(len(names))]
    if {*names} != {*expected}:
        raise EncoderError(
            f"{where}: id2label has the keys {listed(map(describe, names), limit=5)}, expected "
            f"the numbers from 0 to {len(names) - 1}"
        )
    return [names[i] for i in expected]


def _kind_of(problem: Any, labels: int, where: Path) -> LabelKind:
    if problem is None:
        return "regression" if labels == 1 else "classification"
    for kind, name in PROBLEM_TYPES.items():
        if problem == name:
            return kind
    raise EncoderError(
        f"{where}: problem_type is {describe(problem)}, expected one of "
        f"{', '.join(PROBLEM_TYPES.values())}"
    )


def _readout(about: Mapping[str, Any], encoder: Encoder, where: Path) -> Readout:
    """What to read, of which this encoder has all."""
    try:
        readout = parse(about["readout"])
        plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    except ReadoutError as error:
        raise EncoderError(f"{where}: {error}") from error
    if readout.steps:
        raise EncoderError(f"{where}: the readout {readout} has steps, expected none")
    layers = readout.layers
    if about["attention"] and (
        readout.pool.kind != "mean" or layers is None or layers.combine == "concat"
    ):
        raise EncoderError(
            f"{where}: found attention and the readout {readout}, expected mean of a layer, or of "
            "several by avg or sum"
        )
    return readout


def _output_space(about: Mapping[str, Any], where: Path) -> OutputSpace:
    kind, labels = about.get("kind"), about.get("labels")
    if kind not in LABEL_KINDS:
        raise EncoderError(f"{where}: kind is {describe(kind)}, expected {', '.join(LABEL_KINDS)}")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise EncoderError(f"{where}: labels is {describe(labels)}, expected a list of names")
    if kind == "regression":
        if len(labels) > 1:
            raise EncoderError(f"{where}: a regression of {len(labels)} numbers, expected one")
        return OutputSpace(kind)
    _check_labels(labels, 2 if kind == "classification" else 1, where)
    return OutputSpace(kind, tuple(labels))


def _check_labels(labels: Sequence[str], fewest: int, where: Path) -> None:
    if len(labels) < fewest:
        raise EncoderError(f"{where}: {len(labels)} labels, expected at least {fewest}")
    if len({*labels}) < len(labels):
        (twice, _), *_ = Counter(labels).most_common(1)
        raise EncoderError(f"{where}: two outputs have the label {describe(twice)}")


def _tensors(
    path: Path, shapes: Mapping[str, Shape], where: Path, family: Family
) -> dict[str, Floats]:
    file = open_safetensors(path)
    wrapped = {read_name(whole, family).canonical: whole for whole in file.entries}
    names = {name: name if name in file.entries else wrapped.get(name, "") for name in shapes}
    for name, shape in shapes.items():
        if not names[name]:
            raise EncoderError(f"{path}: has no {name}, which {where.name} asks for")
        found = file.entries[names[name]].shape
        if found != shape:
            raise EncoderError(
                f"{path}: {name} has shape {found}, but {where.name} asks for {shape}"
            )
    read = file.read(names.values())
    return {name: read[whole] for name, whole in names.items()}
