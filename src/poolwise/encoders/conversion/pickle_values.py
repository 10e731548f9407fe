"""The values of a pickle, read without executing any of it.

A pickle is a program for a stack machine. The machine here has the instructions that torch.save
writes, and calls nothing: the name of a class or function stays a ``Global``, a call a ``Call``.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from poolwise.encoders.conversion.stored_tensors import ConversionError

MAX_INSTRUCTIONS = 500_000
"""Of one pickle; a tensor takes about 60."""


@dataclass(frozen=True, slots=True)
class Global:
    """A class or function of a module, such as ``torch.FloatStorage``."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that unpickling would make."""

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PersistentId:
    """A value outside the pickle, under its ``key``."""

    key: Any


def read_pickle(file: BinaryIO, names: Container[str]) -> Any:
    """The value of the pickle at the position of ``file``, which is then after its last byte.

    It consists of None, bool, int, float, str, tuple, list and dict, and the classes above. Names
    other than ``names`` are refused. Raises ConversionError.
    """
    machine = _Machine(names)
    try:
        for code, value, _ in islice(pickletools.genops(file), MAX_INSTRUCTIONS):
            if code.name == "STOP":
                return machine.pop()
            machine.step(code.name, value)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ConversionError(f"not a pickle that can be read: {str(error)[:200]!a}") from error
    raise ConversionError(f"refused, its pickle has more than {MAX_INSTRUCTIONS:,} instructions")


_MARK = object()


@dataclass(slots=True)
class _Machine:
    """``memo`` holds values that the program refers to again, by number."""

    names: Container[str]
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def step(self, name: str, value: Any) -> None:
        """Execute one instruction with its argument."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            self.stack.append(value)
        elif name in _STEPS:
            _STEPS[name](self, value)
        elif name != "PROTO":
            raise ConversionError(f"refused, it holds more than tensors: the instruction {name}")

    def pop(self) -> Any:
        """Remove and return the topmost value."""
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark in the place of a value")
        return value

    def pop_to_mark(self) -> list[Any]:
        """Remove the values above the topmost mark, and the mark; return the values."""
        i = len(self.stack) - 1
        while self.stack[i] is not _MARK:
            i -= 1
            if i < 0:
                raise ValueError("a mark is missing")
        values = self.stack[i + 1 :]
        del self.stack[i:]
        return values

    def push_tuple(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def push_global(self, value: str) -> None:
        name = value.replace(" ", ".", 1)
        if name not in self.names:
            raise ConversionError(f"refused, it holds more than tensors: {name[:100]!a}")
        self.stack.append(Global(name))

    def call(self) -> None:
        args, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise ConversionError("not a pickle that can be read: it calls what has no name")
        ordered = function.name == "collections.OrderedDict"
        self.stack.append(_dict(args) if ordered else Call(function.name, args))

    def append(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("no list to append to")
        self.stack[-1].extend(values)

    def set_items(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not dict or len(values) % 2:
            raise ValueError("no dict to set items of")
        _set(self.stack[-1], zip(values[::2], values[1::2], strict=True))

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def build(self) -> None:
        """Ignore attributes of an object, such as a state dict's ``_metadata``."""
        self.pop()


def _dict(args: tuple[Any, ...]) -> dict[Any, Any]:
    """OrderedDict(), or as Python 2 wrote it, OrderedDict([[key, value], …])."""
    items: dict[Any, Any] = {}
    for pairs in args:
        _set(items, pairs)
    return items


def _set(items: dict[Any, Any], pairs: Any) -> None:
    for key, value in pairs:
        # A nested tuple could take exponential time to hash.
        if type(key) not in (str, int):
            raise ConversionError("it is not a state dict (tensor names and tensors)")
        items[key] = value


_CONSTANTS: Mapping[str, Any] = {
    "MARK": _MARK,
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINSTRING", "BINSTRING"),
}
_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m, _: m.push_tuple(1),
    "TUPLE2": lambda m, _: m.push_tuple(2),
    "TUPLE3": lambda m, _: m.push_tuple(3),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.pop_to_mark()),
    "SETITEM": lambda m, _: m.set_item(),
    "SETITEMS": lambda m, _: m.set_items(m.pop_to_mark()),
    "BINPUT": lambda m, number: m.memo.__setitem__(number, m.stack[-1]),
    "LONG_BINPUT": lambda m, number: m.memo.__setitem__(number, m.stack[-1]),
    "BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "LONG_BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "GLOBAL": lambda m, name: m.push_global(name),
    "REDUCE": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.stack.append(PersistentId(m.pop())),
}
