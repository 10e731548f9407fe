"""What differs between a plan and a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from poolwise.errors import listed
from poolwise.jobs.plan import Plan


def changes(
    plan: Plan, fingerprint: Mapping[str, Any], identities: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Everything in which a request on these inputs differs from the plan."""
    return differences(plan.fingerprint, fingerprint) + changed_inputs(plan, identities)


def changed_inputs(plan: Plan, identities: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs between the inputs of the plan and those of these identities."""
    old = [str(identity["name"]) for identity in plan.inputs]
    new = [str(identity["name"]) for identity in identities]
    if old != new:
        gone = [f"{_tail(name)} is missing" for name in old if name not in new]
        added = [f"{_tail(name)} is new" for name in new if name not in old]
        return [f"the inputs have changed: {listed([*gone, *added] or ['their order'])}"]
    changed = []
    for before, now in zip(plan.inputs, identities, strict=True):
        if found := differences(before, now, list(now)):
            changed.append(f"{now['name']} has changed ({', '.join(found)})")
    return changed


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: Sequence[str] | None = None
) -> list[str]:
    """``precision was 'exact', is 'fast'`` for each key that differs."""
    names = keys or list(dict.fromkeys([*old, *new]))
    return [
        f"{name} was {_short(old.get(name))}, is {_short(new.get(name))}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _tail(name: str) -> str:
    """The end of a path, which tells it from others."""
    return name if len(name) <= 40 else f"…{name[-39:]}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
