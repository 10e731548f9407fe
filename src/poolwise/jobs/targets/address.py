"""Addresses of targets, as a command line gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from poolwise.errors import OptionError
from poolwise.jobs.targets.target import Target

FORMS = (
    "postgresql://user@host/database?table=NAME, lance:FOLDER#TABLE, faiss:FILE?readout=SPEC or "
    "usearch:FILE?readout=SPEC"
)
DEFAULT_TABLE = "poolwise_vectors"
_POSTGRES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """``location`` is a URI of libpq; the others are our own options in the address."""

    location: str
    table: str = DEFAULT_TABLE
    index: str = "hnsw"
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LanceAddress:
    """A table in the folder of a LanceDB."""

    folder: str
    table: str = DEFAULT_TABLE


def table_address(address: str) -> PostgresAddress | LanceAddress | None:
    """The table that an address names; None where it names none. Raises OptionError where it is
    wrong."""
    scheme, _, rest = address.partition(":")
    if scheme in _POSTGRES and rest.startswith("//"):
        return _postgres(scheme, rest)
    if scheme == "lance" and rest:
        folder, _, table = rest.partition("#")
        _path(folder, address)
        return LanceAddress(folder, table or DEFAULT_TABLE)
    return None


def open_target(address: str) -> Target:
    """The target at ``address``; nothing is opened or written before its ``load``.

    - ``postgresql://user@host/database``: PostgreSQL with pgvector. Of the options after ``?``,
      ``table=NAME`` (``poolwise_vectors``), ``index=none`` (``hnsw``) and ``without=COLUMN``, as
      often as needed, are ours; all others are libpq's, such as ``host=/folder/of/the/socket``.
    - ``lance:FOLDER`` or ``lance:FOLDER#TABLE``: a LanceDB.
    - ``faiss:FILE``, ``usearch:FILE``: an index file of one readout, ``?readout=SPEC`` or
      ``#COLUMN`` where there are several.

    Raises OptionError where the address is none of these.
    """
    scheme, colon, rest = address.partition(":")
    if not colon or not rest:
        raise OptionError(f"found the target {address!r:.80}, expected {FORMS}")
    # Each target is imported with its packages, of which one is needed.
    match table_address(address):
        case PostgresAddress(location, table, index, without):
            from poolwise.jobs.targets.postgres import PostgresTarget  # noqa: PLC0415

            return PostgresTarget(location, table, index == "hnsw", without)
        case LanceAddress(folder, table):
            from poolwise.jobs.targets.lance import LanceTarget  # noqa: PLC0415

            return LanceTarget(folder, table)
    if scheme == "faiss":
        from poolwise.jobs.targets.faiss import FaissIndex  # noqa: PLC0415
        from poolwise.jobs.targets.index_file import IndexFileTarget  # noqa: PLC0415

        return IndexFileTarget(*_index_file(rest, address), FaissIndex)
    if scheme == "usearch":
        from poolwise.jobs.targets.index_file import IndexFileTarget  # noqa: PLC0415
        from poolwise.jobs.targets.usearch import UsearchIndex  # noqa: PLC0415

        return IndexFileTarget(*_index_file(rest, address), UsearchIndex)
    raise OptionError(f"found a target of the kind {scheme!r:.40}, expected {FORMS}")


def shown_address(address: str) -> str:
    """The address without a password: what may stand on a screen, in a log or in a result."""
    if not address.startswith(tuple(f"{scheme}://" for scheme in _POSTGRES)):
        return address
    address = re.sub(r"(//[^/?:]*):[^/?]*@", r"\1:***@", address)
    return re.sub(r"([?&](?:ssl)?password)=[^&]*", r"\1=***", address)


def _postgres(scheme: str, rest: str) -> PostgresAddress:
    base, _, query = rest.partition("?")
    table, index, without, kept = DEFAULT_TABLE, "hnsw", [], []
    for option in filter(None, query.split("&")):
        key, _, value = option.partition("=")
        match key:
            case "table":
                table = unquote(value)
            case "index":
                index = value
            case "without":
                without.append(unquote(value))
            case _:
                kept.append(option)
    if not table or "\0" in table or len(table.encode()) > 63:
        raise OptionError(f"found the table name {table!r:.80}, expected one of 1 to 63 bytes")
    if index not in ("hnsw", "none"):
        raise OptionError(f"found index={index!r:.40}, expected hnsw or none")
    location = f"{scheme}:{base}" + (f"?{'&'.join(kept)}" if kept else "")
    return PostgresAddress(location, table, index, frozenset(without))


def _index_file(rest: str, address: str) -> tuple[Path, str | None]:
    name, mark, query = rest.partition("?")
    if mark:
        key, _, readout = query.partition("=")
        if key != "readout" or not readout:
            raise OptionError(
                f"found {query!r:.60} after the ? of {address!r:.80}, expected readout=SPEC"
            )
        return _path(name, address), unquote(readout)
    name, _, readout = rest.partition("#")
    return _path(name, address), readout or None


def _path(name: str, address: str) -> Path:
    if not name:
        raise OptionError(f"found no file name in {address!r:.80}, expected {FORMS}")
    return Path(name)
