"""The doctor: how many probe texts it needs, what its confidence means, what it mistakes.

    python benchmarks/doctor.py [--parts arithmetic,texts,scaled,noise,unknown,time]
                                [--draws 1] [--unknown 224] [--minutes 60] [--seed 0] [--out DIR]

``--draws`` says how many setups are drawn by chance for each model and precision, ``--unknown`` how
many sources of other vectors; no setup or source is begun ``--minutes`` after its part, and the
page counts those that were run. The parts are run in the order given; of those that are not asked
for, the results of an earlier run of the same day are kept. The demo model and tiny encoders of
four families make the vectors, through the tests' own oracle.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doctor_arithmetic
import doctor_noise
import doctor_scaled
import doctor_texts
import doctor_time
import doctor_unknown
import torch
from doctor_models import Models
from machine import describe
from revision import commit

HERE = Path(__file__).parent
Part = tuple[Callable[[Models, argparse.Namespace], Any], Callable[[Any], str]]

PARTS: dict[str, Part] = {
    "arithmetic": (lambda models, _: doctor_arithmetic.measure(models), doctor_arithmetic.table),
    "texts": (doctor_texts.measure, doctor_texts.table),
    "scaled": (doctor_scaled.measure, doctor_scaled.table),
    "noise": (doctor_noise.measure, doctor_noise.table),
    "unknown": (doctor_unknown.measure, doctor_unknown.table),
    "time": (lambda models, _: doctor_time.measure(models), doctor_time.table),
}
"""What measures each part, and what shows it."""


def page(results: dict[str, Any]) -> str:
    lines = ["# The doctor", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        f"- {part}: commit {made['commit']}, seed {made['seed']}, {made['minutes']:.1f} minutes, "
        f"{made['load']:.1f} busy or waiting processes in the minute before"
        for part, made in results["runs"].items()
    ]
    shown = [PARTS[part][1](results[part]) for part in PARTS if part in results]
    return "\n".join([*lines, "", *shown])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--unknown", type=int, default=224)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # texts go one by one
    stem = arguments.out / f"doctor-{time.strftime('%Y-%m-%d')}"
    path = stem.with_suffix(".json")
    results = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    results["machine"] = describe("scipy")
    with tempfile.TemporaryDirectory() as name:
        models = Models(Path(name))
        for part in arguments.parts.split(","):
            load, began = os.getloadavg()[0], time.perf_counter()
            arguments.end = began + 60 * arguments.minutes
            results[part] = PARTS[part][0](models, arguments)
            minutes = (time.perf_counter() - began) / 60
            run = {"commit": commit(), "seed": arguments.seed, "minutes": minutes, "load": load}
            results["runs"][part] = run
            path.write_text(json.dumps(results, indent=1), encoding="utf-8")
            stem.with_suffix(".md").write_text(page(results), encoding="utf-8")
            print(PARTS[part][1](results[part]), flush=True)


if __name__ == "__main__":
    main()
