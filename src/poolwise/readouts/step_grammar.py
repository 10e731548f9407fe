"""The grammar of steps: from ``whiten(256)|l2`` to Steps.

steps := step ('|' step)*
step  := a name of STEPS, with '(' k ')' where it is sized
"""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.readouts.aliases import STEP_ALIASES
from poolwise.readouts.scanner import Scanner, suggest
from poolwise.readouts.steps import STEPS, Step, StepName


def read_steps(scan: Scanner) -> tuple[Step, ...]:
    """The steps that come next in the text: at least one."""
    steps: list[Step] = []
    while not steps or scan.take("|"):
        at = scan.at
        step = _step(scan)
        if problem := _misplaced(step, steps):
            raise scan.error(problem, at)
        steps.append(step)
    return tuple(steps)


def _step(scan: Scanner) -> Step:
    at = scan.at
    word = scan.word()
    if not word:
        raise scan.error(f"expected a step ({', '.join(STEPS)}), {scan.describe_next()}")
    name = STEP_ALIASES.get(word, word)
    if name not in STEPS:
        raise scan.error(f"unknown step {word!r}: {suggest(word, STEPS, STEP_ALIASES)}", at)
    if STEPS[name].sized:
        return Step(name, _size(name, scan))
    if scan.ahead == "(":
        raise scan.error(f"{name} takes no size")
    return Step(name)


def _size(name: StepName, scan: Scanner) -> int:
    scan.expect("(", f"and a size, {name}(k)")
    at = scan.at
    size = scan.integer("a size of 1 or more")
    if size < 1:
        raise scan.error(f"expected a size of 1 or more, found {size}", at)
    scan.expect(")", "after the size")
    return size


def _misplaced(step: Step, before: Sequence[Step]) -> str | None:
    """Why ``step`` cannot follow the steps ``before`` it.

    Only ``l2`` may come again, once something else has changed the norm.
    """
    if before and before[-1].facts.final:
        return f"nothing can follow {before[-1]}, which gives integers: put it last"
    rivals = before[-1:] if step.name == "l2" else before
    if any(step.name == rival.name for rival in rivals):
        return f"{step.name} stands here a second time"
    return None
