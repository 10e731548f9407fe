"""The values of a pickle, read without running any of it.

A pickle is a program for a stack machine. The machine here knows the instructions that torch.save
writes, and calls nothing: a name of a module stays a ``Named``, a call of it a ``Call``.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from poolwise.encoders.conversion.stored_tensors import StoredError

MOST = 500_000
"""Instructions of one pickle; a tensor takes about 60."""


@dataclass(frozen=True, slots=True)
class Named:
    """Something of a module, such as ``torch.FloatStorage``."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """What would be called, and with what."""

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A value outside of the pickle, under its ``key``."""

    key: Any


def read_pickle(file: BinaryIO, names: Container[str]) -> Any:
    """The value of the pickle that begins where ``file`` stands, and is left after its last byte.

    Objects are Python's own of the kinds None, bool, int, float, str, tuple, list and dict, or
    those above; of a module no name but ``names`` is accepted. Raises StoredError.
    """
    machine = _Machine(names)
    try:
        for code, value, _ in islice(pickletools.genops(file), MOST):
            if code.name == "STOP":
                return machine.pop()
            machine.step(code.name, value)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise StoredError(f"not a pickle that can be read: {str(error)[:200]!a}") from error
    raise StoredError(f"refused, its pickle has more than {MOST:,} instructions")


_MARK = object()


@dataclass(slots=True)
class _Machine:
    """``memo``: what the program puts aside to use again, under its number."""

    names: Container[str]
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def step(self, name: str, value: Any) -> None:
        """One instruction with its argument."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            self.stack.append(value)
        elif name in _STEPS:
            _STEPS[name](self, value)
        elif name != "PROTO":
            raise StoredError(f"refused, it holds more than tensors: the instruction {name}")

    def pop(self) -> Any:
        """The topmost value."""
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark in the place of a value")
        return value

    def popped_to_mark(self) -> list[Any]:
        """The values above the topmost mark, which is taken off too."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("a mark is missing")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def take(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def look_up(self, value: str) -> None:
        name = value.replace(" ", ".", 1)
        if name not in self.names:
            raise StoredError(f"refused, it holds more than tensors: {name[:100]!a}")
        self.stack.append(Named(name))

    def call(self) -> None:
        args, named = self.pop(), self.pop()
        if not isinstance(named, Named) or not isinstance(args, tuple):
            raise StoredError("not a pickle that can be read: it calls what has no name")
        ordered = named.name == "collections.OrderedDict"
        self.stack.append(_dict(args) if ordered else Call(named.name, args))

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
        """Attributes of an object, such as a state dict's ``_metadata``: left aside."""
        self.pop()


def _dict(args: tuple[Any, ...]) -> dict[Any, Any]:
    """OrderedDict(), or as Python 2 wrote it, OrderedDict([[key, value], …])."""
    made: dict[Any, Any] = {}
    for pairs in args:
        _set(made, pairs)
    return made


def _set(made: dict[Any, Any], pairs: Any) -> None:
    for key, value in pairs:
        # Nothing that takes long to hash.
        if type(key) not in (str, int):
            raise StoredError("it is not a state dict (tensor names and tensors)")
        made[key] = value


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
    "TUPLE": lambda m, _: m.stack.append(tuple(m.popped_to_mark())),
    "TUPLE1": lambda m, _: m.take(1),
    "TUPLE2": lambda m, _: m.take(2),
    "TUPLE3": lambda m, _: m.take(3),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.popped_to_mark()),
    "SETITEM": lambda m, _: m.set_item(),
    "SETITEMS": lambda m, _: m.set_items(m.popped_to_mark()),
    "BINPUT": lambda m, number: m.memo.__setitem__(number, m.stack[-1]),
    "LONG_BINPUT": lambda m, number: m.memo.__setitem__(number, m.stack[-1]),
    "BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "LONG_BINGET": lambda m, number: m.stack.append(m.memo[number]),
    "GLOBAL": lambda m, name: m.look_up(name),
    "REDUCE": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.stack.append(Elsewhere(m.pop())),
}
