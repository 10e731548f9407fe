"""What is checked of a part: a table of checks, each of one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from poolwise.errors import StoreError, listed
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.sidecar import PartFacts, Sidecar
from poolwise.jobs.verification.fault import Difference, Differences, Fault
from poolwise.jobs.verification.part_reading import PartReading, read_part
from poolwise.jobs.verification.rejected_list import RejectedRows
from poolwise.jobs.verification.rows import ROW_CHECKS
from poolwise.stores.sink import PREFIX, as_strings


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part as planned, as read, and what lies beside it. ``sidecar`` is None where there is none,
    and the reason as a text where it cannot be read."""

    plan: Plan
    part: Part
    reading: PartReading
    listed: RejectedRows
    sidecar: Sidecar | str | None

    @property
    def facts(self) -> PartFacts:
        """What its footer says of the part."""
        assert self.reading.facts is not None
        return self.reading.facts

    @property
    def skips(self) -> bool:
        """Whether rejected rows are left out."""
        return bool(self.plan.fingerprint["on_bad_row"] == "skip")

    @property
    def rejected(self) -> Mapping[str, int]:
        """Rejected rows by kind: those in the part, or where they are left out those listed."""
        return dict(self.listed.counts if self.skips else self.reading.rejected.counts)


def check_part(folder: JobFolder, plan: Plan, part: Part) -> tuple[CheckedPart, list[Fault]]:
    """Read a part that is there, and say all that is wrong with it."""
    listed_rows = RejectedRows.read(folder.rejected(part.number))
    path = folder.part(part.number)
    reading = read_part(path, part, plan, listed_rows)
    checked = CheckedPart(plan, part, reading, listed_rows, _sidecar(folder, part.number))
    faults = [
        Fault(part.number, path.name, name, *difference)
        for name, difference in _differences(checked)
    ]
    return checked, faults


def _sidecar(folder: JobFolder, number: int) -> Sidecar | str | None:
    if not folder.sidecar(number).exists():
        return None
    try:
        return Sidecar.read(folder, number)
    except StoreError as error:
        return str(error)


def _differences(checked: CheckedPart) -> Iterator[tuple[str, Difference]]:
    """Of checks on which others depend, the first that fails ends them."""
    for name, check in FILE_CHECKS:
        for difference in check(checked):
            yield name, difference
    for name, check in FIRST_CHECKS:
        differences = list(check(checked))
        yield from ((name, difference) for difference in differences)
        if differences:
            return
    for name, check in CHECKS:
        yield from ((name, difference) for difference in check(checked))
    for row_check, wrong in zip(ROW_CHECKS, checked.reading.wrong.wrong, strict=True):
        if wrong.count:
            found = f"{row_check.found} in {wrong}"
            yield row_check.name, Difference(found, row_check.expected)


def _bytes(checked: CheckedPart) -> Differences:
    sidecar, reading = checked.sidecar, checked.reading
    if isinstance(sidecar, Sidecar) and sidecar.bytes != reading.bytes:
        yield Difference(f"{reading.bytes:,}", f"{sidecar.bytes:,} as its sidecar says")


def _sha256(checked: CheckedPart) -> Differences:
    sidecar, reading = checked.sidecar, checked.reading
    if not isinstance(sidecar, Sidecar) or sidecar.bytes != reading.bytes:
        return
    if sidecar.sha256 != reading.sha256:
        found, expected = reading.sha256[:12], sidecar.sha256[:12]
        yield Difference(f"{found}… of its bytes", f"{expected}… as its sidecar says")


def _readable_sidecar(checked: CheckedPart) -> Differences:
    if isinstance(checked.sidecar, str):
        yield Difference(checked.sidecar, "the facts of the part as JSON")


def _readable(checked: CheckedPart) -> Differences:
    if checked.reading.unreadable:
        yield Difference(checked.reading.unreadable, "Parquet that can be read to its end")


def _is_part(checked: CheckedPart) -> Differences:
    if checked.reading.facts is None:
        yield Difference("no facts of a part in its footer", "those that poolwise writes")


def _number(checked: CheckedPart) -> Differences:
    if checked.facts.part != checked.part.number:
        yield Difference(f"part {checked.facts.part}", f"part {checked.part.number}")


def _columns(checked: CheckedPart) -> Differences:
    found, expected = checked.reading.types, checked.plan.request["columns"]
    for name in dict.fromkeys([*expected, *found]):
        if found.get(name) != expected.get(name):
            yield Difference(
                f"{name} {found.get(name, 'nowhere')}", f"{expected.get(name, 'no such column')}"
            )
    if found.keys() == expected.keys() and list(found) != list(expected):
        yield Difference(listed(found), listed(expected))


def _footer(checked: CheckedPart) -> Differences:
    found = checked.reading.metadata
    for name, expected in _expected_footer(checked.plan).items():
        if found.get(name) != expected:
            yield Difference(f"{name} {found.get(name, 'missing'):.80}", f"{expected:.80}")


def _expected_footer(plan: Plan) -> dict[str, str]:
    fingerprint = plan.fingerprint
    names = ("poolwise", "model_hash", "engine", "precision", "prompt", "fitted_on")
    facts: dict[str, Any] = {name: fingerprint[name] for name in names if fingerprint.get(name)}
    facts["readouts"] = list(fingerprint["readouts"].values())
    return {key.removeprefix(PREFIX): text for key, text in as_strings(facts).items()}


def _sidecar_facts(checked: CheckedPart) -> Differences:
    if isinstance(checked.sidecar, Sidecar) and checked.sidecar.facts != checked.facts:
        yield Difference(f"{checked.sidecar.facts}", f"{checked.facts} as in the part's footer")


def _rows_in(checked: CheckedPart) -> Differences:
    if checked.facts.rows_in != checked.part.rows:
        yield Difference(
            f"{checked.facts.rows_in:,} rows of the inputs",
            f"{checked.part.rows:,} as the plan says",
        )


def _rows(checked: CheckedPart) -> Differences:
    rows, facts = checked.reading.rows, checked.facts
    if rows != facts.rows:
        yield Difference(f"{rows:,}", f"{facts.rows:,} as its footer says")
    left_out = sum(facts.rejected.values()) if checked.skips else 0
    if rows + left_out != checked.part.rows:
        more = f" and {left_out:,} left out" if checked.skips else ""
        yield Difference(
            f"{rows:,}{more}", f"{checked.part.rows:,} together, as many as the inputs have"
        )


def _rejected(checked: CheckedPart) -> Differences:
    if dict(checked.rejected) != dict(checked.facts.rejected):
        yield Difference(
            _counts(checked.rejected), f"{_counts(checked.facts.rejected)}, as counted"
        )


def _rejected_list(checked: CheckedPart) -> Differences:
    lines, facts = checked.listed, checked.facts
    total = sum(facts.rejected.values())
    if lines.there != bool(total):
        found = "a list" if lines.there else "none"
        yield Difference(found, f"one of {total:,} rows" if total else "none: no row was rejected")
        return
    if lines.damage:
        yield Difference(lines.damage, f"{total:,} rows, a line of JSON each")
    elif dict(lines.counts) != dict(facts.rejected):
        yield Difference(_counts(lines.counts), _counts(facts.rejected))
    elif not checked.skips and lines.sha256 != checked.reading.rejected.sha256:
        yield Difference("other ids or problems", "those of the rows with a problem in the part")
    elif checked.skips and checked.plan.fingerprint["id_column"] is None:
        part = checked.part
        numbers = range(part.first_row, part.first_row + part.rows)
        strange = [name for name in lines.ids if name not in numbers]
        if strange or len(set(lines.ids)) < len(lines.ids):
            yield Difference(
                f"the ids {listed(map(str, strange or lines.ids))}",
                f"each once, from {numbers.start:,} to {numbers.stop - 1:,}",
            )


def _ids(checked: CheckedPart) -> Differences:
    found, expected = checked.reading.ids_sha256, checked.facts.ids_sha256
    if found != expected:
        yield Difference(
            f"ids whose hash is {found[:12]}…", f"{expected[:12]}…, that of the ids written"
        )


def _flags(checked: CheckedPart) -> Differences:
    for flag, expected in checked.facts.flags.items():
        found = checked.reading.flags[flag]
        if found != expected:
            yield Difference(
                f"{found:,} rows that are {flag}", f"{expected:,}, as counted when it was made"
            )


def _counts(counts: Mapping[str, int]) -> str:
    return listed(f"{kind} {count:,}" for kind, count in counts.items()) or "no rejected row"


Check = Callable[[CheckedPart], Differences]

FILE_CHECKS: tuple[tuple[str, Check], ...] = (
    ("sidecar", _readable_sidecar),
    ("bytes", _bytes),
    ("sha256", _sha256),
)
"""Of the file as bytes."""

FIRST_CHECKS: tuple[tuple[str, Check], ...] = (
    ("readable", _readable),
    ("footer", _is_part),
    ("number", _number),
    ("columns", _columns),
)
"""Those on which others depend: where one fails, no others are made."""

CHECKS: tuple[tuple[str, Check], ...] = (
    ("footer", _footer),
    ("sidecar", _sidecar_facts),
    ("rows_in", _rows_in),
    ("rows", _rows),
    ("rejected", _rejected),
    ("rejected list", _rejected_list),
    ("ids", _ids),
    ("flags", _flags),
)
"""Of the rows, all of them."""
