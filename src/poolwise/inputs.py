"""Arguments of Python callers, checked in one place: texts in any container, named choices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from operator import index
from pathlib import PurePath
from typing import Any, get_args
from warnings import catch_warnings

from poolwise.errors import OptionError, TextError, listed
from poolwise.records import LongTexts, Precision, Sentence

CHOICES: Mapping[str, tuple[str, ...]] = {
    "precision": get_args(Precision),
    "long": get_args(LongTexts),
}
"""The values of an option, by its name."""

MISSING_VALUES = {"nan": "NaN", "<NA>": "NA", "NaT": "NaT"}
"""How errors name the missing values of NumPy and pandas, by their ``str``."""

EXPECTED = "expected one text, or texts: a list, array or Series of strings, or what yields them"

_STEPS = ("int8", "binary")
"""Steps that are named as sentence-transformers' precisions of vectors are."""

_TABLES = ("column_names", "columns")  # of pyarrow and datasets; of pandas and polars


def check_choices(**options: object) -> None:
    """Raises OptionError for an option (``long``, ``precision``) that is none of its choices."""
    for name, value in options.items():
        if not (isinstance(value, str) and value in CHOICES[name]):
            choices = ", ".join(map(repr, CHOICES[name]))
            number_type = name == "precision" and isinstance(value, str) and value in _STEPS
            hint = f"; for vectors of this type add the step |{value} to the readout"
            raise OptionError(
                f"{name} is {value!r:.60}, expected one of {choices}{hint if number_type else ''}"
            )


def flag(name: str, value: object) -> bool:
    """The option's truth value. Raises OptionError for a value that has none."""
    try:
        return bool(value)
    except Exception as error:  # an array or Series raises errors of its own
        raise OptionError(f"{name} is {describe(value)}, expected True or False") from error


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """``value`` from ``low`` to ``high``. Raises OptionError for anything else."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not low <= number <= (high or number):
        bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise OptionError(f"{name} is {describe(value)}, expected a whole number {bounds}")
    return number


def rows(texts: object) -> Iterable[Any]:
    """The items of the container, in its order; one string is one item. Raises TextError for what
    holds no texts; the items are not checked."""
    if isinstance(texts, str):
        return [texts]
    if type(texts) is list:
        return texts
    check_container(texts)
    items: Any = texts
    if type(items).__module__.partition(".")[0] == "pyarrow" and hasattr(items, "to_pylist"):
        # Its own items are scalars, not strings.
        items = chain.from_iterable(part.to_pylist() for part in getattr(items, "chunks", [items]))
    return items  # type: ignore[no-any-return]


def sentences(texts: object) -> Iterator[Sentence]:
    """Texts, numbered from 0 in their order; one string is one text.

    A generator is read as far as the sentences are. Raises TextError at once for what holds no
    texts (a table, a dict, a set, bytes, a path, an open file, a number, None), and at a row that
    is none.
    """
    return _numbered(rows(texts))


def strings(texts: object) -> list[str]:
    """All of the texts. Raises TextError as ``sentences`` does."""
    return [sentence.text for sentence in sentences(texts)]


def check_container(texts: object) -> None:
    """Raises TextError for what holds no texts, whatever its rows are."""
    kind = type(texts).__name__
    if isinstance(texts, bytes | bytearray | memoryview):
        raise TextError(f"found {kind}, {EXPECTED}; decode them first: texts.decode()")
    if isinstance(texts, PurePath):
        raise TextError(
            f"found the path {texts}, {EXPECTED}; read it first: path.read_text().splitlines()"
        )
    if not _is_iterable(texts):
        raise TextError(f"found {describe(texts)}, {EXPECTED}")
    if hasattr(texts, "readline"):
        raise TextError(
            f"found an open file ({kind}), whose lines end in line breaks, {EXPECTED}; "
            "give file.read().splitlines()"
        )
    if isinstance(texts, Mapping):
        names = [*map(str, texts)]
        raise TextError(
            f"found a {kind} {_with_names('keys', names)}, {EXPECTED}; {_name_one(names)}"
        )
    if (columns := column_names(texts)) is not None:
        named = _with_names("columns", columns)
        raise TextError(f"found a {kind} {named}, {EXPECTED}; {_name_one(columns)}")
    if isinstance(texts, set | frozenset):
        raise TextError(
            f"found a {kind}, which has no order, {EXPECTED}; vectors come in the order of texts: "
            "give sorted(texts)"
        )
    if hasattr(texts, "tocsr"):
        raise TextError(f"found a sparse matrix ({kind}), {EXPECTED}")
    if getattr(texts, "ndim", 1) != 1:
        shape = tuple(getattr(texts, "shape", ()))
        raise TextError(f"found {kind} of shape {shape}, {EXPECTED}, [n]")


def _numbered(texts: Iterable[object]) -> Iterator[Sentence]:
    for row, text in enumerate(texts):
        if isinstance(text, Sentence) and isinstance(text.text, str):
            yield text
        elif isinstance(text, str):
            yield Sentence(text if type(text) is str else str.__str__(text), row)
        else:
            item = text.text if isinstance(text, Sentence) else text
            advice = "decode" if isinstance(item, bytes) else "drop or fill"
            raise TextError(
                f"row {row}: found {describe(item)}, expected a string; {advice} such rows first"
            )


def _is_iterable(texts: Any) -> bool:
    try:
        iter(texts)
    except TypeError:
        return False
    return True


def column_names(data: object) -> list[str] | None:
    """The names of a table's columns; None if ``data`` is no table."""
    # Of the type, for a Series has its row labels as attributes.
    for attribute in _TABLES:
        if hasattr(type(data), attribute):
            with catch_warnings(action="ignore"):  # a lazy one warns of the time it takes
                names = getattr(data, attribute)
            return [] if names is None else [*map(str, names)]
    return None


def _with_names(kind: str, names: list[str]) -> str:
    return f"with the {kind} {listed(names)}" if names else f"without {kind}"


def _name_one(names: list[str]) -> str:
    """Advice to name one column or key, for instance that of the texts."""
    defaults = [name for name in names if name in ("text", "sentence")] or names or ["text"]
    return f"name the one that holds the texts, such as texts[{defaults[0]!r:.40}]"


def describe(value: object) -> str:
    """A value as errors name it: its type and the beginning of its ``repr``."""
    return MISSING_VALUES.get(f"{value!s:.40}", f"{type(value).__name__} ({value!r:.40})")
