"""The transform: a readout's steps with what they have learned, ready to be applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.errors import ReadoutError
from poolwise.files import atomic_write
from poolwise.readouts import Readout, Step, parse, parse_steps
from poolwise.readouts.spec import step_place, steps_width
from poolwise.transforms import transform_file
from poolwise.transforms.fitting import State, apply_step, fit_step, state_shapes

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """What happens to vectors after pooling. Made by ``fit``, ``stateless`` or ``load``.

    ``spec`` is the readout's text or, where only steps were given, theirs: ``|whiten(256)|l2``.
    ``states`` has one entry a step, empty if the step has learned nothing. ``width`` is the
    number of dimensions fitted on, None without a fit. ``dense_stack`` are the model's own layers,
    which the step ``dense`` applies, and which no file of a transform holds (see ``on``).
    """

    spec: str
    steps: tuple[Step, ...]
    states: tuple[State, ...]
    width: int | None = None
    dense_stack: DenseStack | None = None

    def on(self, dense_stack: DenseStack | None) -> Transform:
        """The same steps on a model with these layers after pooling, or none."""
        return self if dense_stack is self.dense_stack else replace(self, dense_stack=dense_stack)

    @property
    def fitted(self) -> bool:
        """Whether every step that learns has learned."""
        return self._unfitted() is None

    def apply(self, vectors: NDArray[Any], finite: Sequence[bool] | None = None) -> NDArray[Any]:
        """Vectors [n, d] after all steps: float32 [n, k], or int8 after ``int8`` and ``binary``.

        A row with NaN or infinity becomes all NaN, or all zeros where the result is int8; a caller
        that knows already which rows are finite says so (``finite_rows``).

        Raises ReadoutError if a step was never fitted, or d is not what it was fitted on.
        """
        rows = _checked(vectors)
        if self.width is not None and self.width != rows.shape[1]:
            raise ReadoutError(
                f"{self.spec} was fitted on vectors of {self.width} dimensions, "
                f"found {rows.shape[1]}: fit it on vectors of this encoder"
            )
        if finite is None:
            finite = finite_rows(rows)
        if not self.steps and all(finite):
            return rows.astype(np.float32, copy=False)
        self.check_fitted()
        width = steps_width(
            self.steps, rows.shape[1], self.spec, DenseStack.widths_of(self.dense_stack)
        )
        x: NDArray[Any] = rows[list(finite)].astype(np.float64)
        for step, state in zip(self.steps, self.states, strict=True):
            x = apply_step(step, state, x, self.dense_stack)
        result = (
            np.zeros((len(rows), width), dtype=np.int8)
            if x.dtype == np.int8
            else np.full((len(rows), width), np.nan, dtype=np.float32)
        )
        with np.errstate(over="ignore"):  # infinity shows
            result[list(finite)] = x
        return result

    def save(self, path: str | Path) -> None:
        """Write one safetensors file, whole or not at all, in place of what stood there.

        Raises StoreError if it cannot be written, ReadoutError if a step was never fitted.
        """
        content = self.to_bytes()
        with atomic_write(Path(path)) as file:
            file.write(content)

    def to_bytes(self) -> bytes:
        """The bytes that ``save`` writes. Raises ReadoutError if a step was never fitted."""
        self.check_fitted()
        widths = {"width": self.width, "dense": self.dense_stack and self.dense_stack.widths[1]}
        facts = {name: str(width) for name, width in widths.items() if width is not None}
        return transform_file.encode(_flat(self.states), {"readout": self.spec, **facts})

    @classmethod
    def load(cls, path: str | Path) -> Transform:
        """The transform that ``save`` wrote. Raises StoreError for any other file."""
        path = Path(path)
        arrays, metadata = transform_file.read_arrays(
            path, lambda facts: _shapes(*_described(path, facts))
        )
        steps, width, _ = _described(path, metadata)
        return cls(metadata["readout"], steps, _by_step(arrays, len(steps)), width or None)

    def _unfitted(self) -> int | None:
        """The first step that was not fitted."""
        for i, (step, state) in enumerate(zip(self.steps, self.states, strict=True)):
            if step.facts.fitted and not state:
                return i
        return None

    def check_fitted(self) -> None:
        """Raises ReadoutError, with the place, for the first step that was never fitted."""
        if (i := self._unfitted()) is not None:
            raise ReadoutError(
                f"{self.steps[i]} has to be fitted on texts first: --fit TEXTS on the command "
                "line, fit=texts in Python",
                self.spec,
                step_place(self.steps, i, self.spec),
            )


def fit(
    readout: Readout | Sequence[Step], vectors: NDArray[Any], dense_stack: DenseStack | None = None
) -> Transform:
    """Fit the steps one after another, each on what the steps before it make of the vectors.

    ``vectors`` [n, d] are those of ``readout.pooled``. Rows with NaN or infinity are left out.
    ``dense_stack`` is what the step ``dense`` applies.

    Raises ReadoutError if fewer than two rows are left for a step that learns, or if a step
    asks for more dimensions or directions than there are.
    """
    unfitted = stateless(readout, dense_stack)
    steps, spec = unfitted.steps, unfitted.spec
    rows = _checked(vectors)
    steps_width(steps, rows.shape[1], spec, DenseStack.widths_of(dense_stack))
    x: NDArray[Any] = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    if len(x) < 2 and not unfitted.fitted:
        raise ReadoutError(f"fitting {spec} takes at least two finite vectors, found {len(x)}")
    states: list[State] = []
    for i, step in enumerate(steps):
        if i:
            x = apply_step(steps[i - 1], states[-1], x, dense_stack)
        states.append(fit_step(step, x, spec, step_place(steps, i, spec)))
    return Transform(spec, steps, tuple(states), rows.shape[1], dense_stack)


def stateless(
    readout: Readout | Sequence[Step], dense_stack: DenseStack | None = None
) -> Transform:
    """The transform of a readout whose steps need no fit; others wait for one, and say so."""
    if isinstance(readout, Readout):
        spec, steps = str(readout), readout.steps
    else:
        spec, steps = "".join(f"|{step}" for step in readout), tuple(readout)
    return Transform(spec, steps, ({},) * len(steps), dense_stack=dense_stack)


def _described(path: Path, metadata: Mapping[str, str]) -> tuple[tuple[Step, ...], int, int | None]:
    """The steps of a file, the width that they were fitted on (0: none), and what dense gives."""
    try:
        steps = _steps_of(metadata["readout"])
        width, dense = (
            int(metadata[name]) if name in metadata else None for name in ("width", "dense")
        )
    except (KeyError, ValueError, ReadoutError) as error:
        raise transform_file.not_a_transform(path, f"the metadata {metadata}"[:400]) from error
    return steps, width or 0, dense


def _steps_of(spec: str) -> tuple[Step, ...]:
    return parse_steps(spec[1:]) if spec[:1] in {"", "|"} else parse(spec).steps


def _shapes(
    steps: Sequence[Step], width: int, dense: int | None = None
) -> dict[str, tuple[int, ...]]:
    """The names and shapes of all that ``steps`` learn; ``dense`` gives so many dimensions."""
    by_step = []
    for step in steps:
        by_step.append(state_shapes(step, width))
        width = step.width(width, dense)
    return _flat(by_step)


def _flat(by_step: Sequence[Mapping[str, T]]) -> dict[str, T]:
    """One mapping for all steps: ``mean`` of step 2 is ``2.mean``."""
    return {f"{i}.{name}": item for i, step in enumerate(by_step) for name, item in step.items()}


def _by_step(flat: Mapping[str, T], n: int) -> tuple[dict[str, T], ...]:
    """The inverse of ``_flat``: the mappings of ``n`` steps."""
    by_step: tuple[dict[str, T], ...] = tuple({} for _ in range(n))
    for key, item in flat.items():
        i, name = key.split(".")
        by_step[int(i)][name] = item
    return by_step


def finite_rows(vectors: NDArray[Any]) -> list[bool]:
    """Which rows of vectors [n, d] hold neither NaN nor infinity."""
    finite = np.isfinite(vectors)
    if b"\0" not in finite.tobytes():  # as almost always, and at once
        return [True] * len(vectors)
    rows: list[bool] = finite.all(axis=1).tolist()
    return rows


def _checked(vectors: NDArray[Any]) -> NDArray[Any]:
    if vectors.ndim != 2:
        raise ReadoutError(f"expected vectors [n, d], found an array of shape {vectors.shape}")
    return vectors
