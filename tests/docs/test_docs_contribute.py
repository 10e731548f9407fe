"""The page for contributors names what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/contribute.md").read_text(encoding="utf-8")


def test_the_rooms_are_those_whose_imports_are_checked_in_their_order():
    listed = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", PAGE, re.MULTILINE)
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = config["tool"]["importlinter"]["contracts"]
    layers = [set(layer.split(" | ")) for layer in contract["layers"][1:]]  # without __main__
    assert len(listed) == sum(map(len, layers))
    rooms = iter(listed)
    assert [{next(rooms) for _ in layer} for layer in layers] == layers


def test_every_file_and_folder_that_is_named_is_there():
    names = {
        name for name in re.findall(r"`([\w./]+)`", PAGE) if name.endswith((".py", "/", ".toml"))
    }
    assert len(names) > 40
    known = {
        path.name
        for folder in ("src", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*")
    }
    for name in names - {"serve.toml", "readout.toml"}:
        places = (ROOT / name, ROOT / "src/poolwise" / name)
        assert any(place.exists() for place in places) or name.rstrip("/") in known, name


def test_every_table_that_is_named_is_in_the_file_beside_it():
    pairs = re.findall(r"`([A-Z][A-Z_]+)` of\s+`([\w/]+\.py)`", PAGE)
    assert len(pairs) >= 6
    for table, file in pairs:
        source = (ROOT / "src/poolwise" / file).read_text(encoding="utf-8")
        assert re.search(rf"^{table}\b", source, re.MULTILINE), (table, file)
