"""The doctor's pages: command lines have its options, every aspect is explained."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

from poolwise.cli.doctor import command
from poolwise.doctor.statement import Aspect

DOCS = Path(__file__).parent.parent.parent / "docs"
DOCTOR = (DOCS / "doctor.md").read_text(encoding="utf-8")
WALK = (DOCS / "snippets/doctor.sh").read_text(encoding="utf-8").replace("\\\n", " ")


def test_the_commands_of_the_doctor_have_its_options():
    lines = re.findall(r"^(poolwise doctor .*?)(?: \|\| .*)?$", WALK, re.MULTILINE)
    assert len(lines) >= 7
    for line in lines:
        with command.make_context("doctor", shlex.split(line)[2:]) as context:
            assert context.params["model"] == "demo"


def test_every_aspect_is_explained():
    table = DOCTOR.partition("| statement | says |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[0].strip("| ") for line in table.splitlines()[2:]]
    assert [name for cell in cells for name in cell.split(", ")] == list(get_args(Aspect))
