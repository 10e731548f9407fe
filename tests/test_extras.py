"""The extras of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
LEFT_OUT = {
    "dev": "for who works on poolwise",
    "bench": "for who works on poolwise",
    "ray": "for clusters",
    "mteb": "pytrec-eval-terrier has no wheel for ARM Linux",
    "clients": "other programs; its adapters are in all",
}


def own_extras(extra):
    """The extras that this one names, and those named by them."""
    found = set()
    for requirement in EXTRAS[extra]:
        if named := re.match(r"poolwise\[(.+?)\]", requirement):
            for name in named[1].split(","):
                found |= {name} | own_extras(name)
    return found


def test_all_is_every_extra_that_users_may_want():
    assert own_extras("all") == EXTRAS.keys() - LEFT_OUT.keys() - {"all"}


def test_what_is_left_out_exists_and_the_adapters_of_clients_are_not():
    assert LEFT_OUT.keys() <= EXTRAS.keys()
    assert own_extras("clients") <= own_extras("all")


def test_every_dependency_has_an_oldest_version():
    """``make test-oldest`` installs it."""
    extras = [extra for extra in EXTRAS if extra not in ("dev", "bench")]
    stated = [*PYPROJECT["project"]["dependencies"], *(r for e in extras for r in EXTRAS[e])]
    without = [r for r in stated if ">=" not in r and not r.startswith("poolwise[")]
    assert not without
