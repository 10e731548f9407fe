"""What columns are called in a target.

A readout's column that has a name for SQL keeps it. Otherwise its spec gives one: a minus before
a digit becomes ``m``, every other run of characters that are no ASCII letters, digits or ``_``
becomes one ``_``, none stands at an end, and a digit in front gets ``v_``: ``mean@-1|l2`` is
``mean_m1_l2``. All other columns keep their names. A name that is taken gets ``_2``, or ``_3``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from poolwise.jobs.targets.part_rows import PartSchema

_SQL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def target_names(
    schema: PartSchema, *, reserved: Collection[str] = (), refused: str = "", longest: int = 63
) -> dict[str, str]:
    """By the name of each column in the parts its name in the target.

    ``reserved`` names are the target's own, ``refused`` are characters that it has in no name, and
    ``longest`` is its limit in bytes of UTF-8.
    """
    vectors = {vector.name for vector in schema.vectors}
    names: dict[str, str] = {}
    taken = set(reserved)
    # The others first: they keep their names, and a readout's makes way, whatever its case.
    for name in sorted(schema.fields.names, key=vectors.__contains__):
        if name in vectors:
            wanted, taken = sql_name(name), {other.casefold() for other in taken} | taken
        else:
            wanted = "".join("_" if letter in refused else letter for letter in name)
        given, number = shortened(wanted, longest), 2
        while given in taken or (name in vectors and given.casefold() in taken):
            given = shortened(f"{wanted}_{number}", longest)
            number += 1
        taken.add(given)
        names[name] = given
    return {name: names[name] for name in schema.fields.names}


def sql_name(spec: str) -> str:
    """A name that SQL takes without quotes; see above."""
    if _SQL_NAME.fullmatch(spec):
        return spec
    name = re.sub(r"-(?=\d)", "m", spec)
    name = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return name if _SQL_NAME.fullmatch(name) else f"v_{name}"


def shortened(name: str, longest: int) -> str:
    """``name``, or its beginning and a hash of all of it, in at most ``longest`` bytes."""
    data = name.encode()
    if len(data) <= longest:
        return name
    ending = "_" + hashlib.sha256(data).hexdigest()[:8]
    return data[: longest - len(ending)].decode(errors="ignore") + ending
