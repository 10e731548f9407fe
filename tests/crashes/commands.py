"""Every command and function that writes, as it first wrote and as it writes again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import readers

from poolwise.cli import main
from poolwise.readouts import parse
from poolwise.transforms import fit
from poolwise.transforms.fitted_readout import FittedReadout


def either(found: Any, old: Any, new: Any) -> bool:
    return found in (None, old, new)


@dataclass(frozen=True)
class Case:
    """``old`` and ``new`` are arguments, or functions of the place. ``out`` is the name written;
    ``resumed`` commands need no --force, and ``once`` has none."""

    name: str
    out: str
    read: Callable[[Path], Any]
    old: str | Callable[[Path], Any]
    new: str | Callable[[Path], Any]
    allowed: Callable[[Any, Any, Any], bool] = either
    resumed: bool = False
    once: bool = False

    def run(self, work: Path, target: Path, which: str, *, force: bool) -> int:
        """The exit code."""
        asked = getattr(self, which)
        if callable(asked):
            asked(target)
            return 0
        args = asked.format(work=work, out=target).split("  ")
        sys.argv = ["poolwise", *args, *["--force"] * (force and not self.resumed)]
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0


def embed(form: str, read: Any, allowed: Any = either) -> Case:
    args = "embed  {work}/bert  {work}/lines.txt  -o  {out}  -r  "
    return Case(f"embed-{form}", f"v.{form}", read, f"{args}cls@-1", f"{args}mean@-1", allowed)


def predict(form: str, read: Any) -> Case:
    args = "predict  {work}/classifier  {work}/%s.txt  -o  {out}"
    return Case(f"predict-{form}", f"p.{form}", read, args % "few", args % "lines")


def export(form: str, read: Any, old: str, new: str) -> Case:
    args = f"export  {{work}}/bert  -o  {{out}}  --format  {form}  -r  "
    return Case(f"export-{form}", "model", read, args + old, args + new)


CORPUS = "embed  {work}/bert  -o  {out}/  -r  mean@-1  --part-rows  30  --update  "
SWEEP = "sweep  {work}/bert  --pairs  {work}/pairs.csv  -o  {out}  --grid  "
ASK = "  {work}/bert  --pairs  {work}/pairs.csv  -o  {out}"
TUNE = (
    "tune  {work}/bert  --labels  {work}/labels.csv  -o  {out}  --n  16  --seeds  2  --epochs  1  "
    "--workers  1  -r  cls@-1"
)
TUNED = "ask  tuned  {work}/bert  --labels  {work}/labels.csv  -o  {out}  -r  sep@-1  -r  cls@-1"
X = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)


def saved(spec: str) -> Callable[[Path], None]:
    return lambda path: fit(parse(spec), X).save(path)


def chosen(spec: str, scale: float) -> Callable[[Path], None]:
    made = {"of": str(scale)}
    return lambda path: FittedReadout(parse(spec), fit(parse(spec), X * scale), made).save(path)


CASES = (
    embed("parquet", readers.parquet),
    embed("safetensors", readers.safetensors),
    embed("npy", readers.npy, readers.npy_allowed),
    Case(
        "embed-corpus", "job", readers.corpus,
        CORPUS + "{work}/few.txt", CORPUS + "{work}/lines.txt", resumed=True,
    ),
    predict("csv", readers.rows),
    predict("jsonl", readers.rows),
    predict("parquet", readers.parquet),
    Case(
        "sweep", "sweep", readers.sweep,
        SWEEP + "{{cls,mean}}@*|whiten(8)", SWEEP + "max@1|whiten(4)  --seed  1",
    ),
    Case("ask", "report", readers.report, f"ask  layers{ASK}", f"ask  similarity{ASK}"),
    Case(
        "ask-recover", "report", readers.trainings,
        f"ask  recover{ASK}", f"ask  recover{ASK}  --seed  1",
    ),
    Case("ask-tuned", "report", readers.trainings, TUNED, f"{TUNED}  -r  mean@-1"),
    Case(
        "inspect", "page.html", readers.page,
        "inspect  {work}/bert  the cat  --html  {out}",
        "inspect  {work}/bert  a dog  --html  {out}",
    ),
    Case(
        "reproduce", "report", readers.report,
        "reproduce  sts-bert  --data  {work}  --model  {work}/bert  -o  {out}",
        "reproduce  table7  --data  {work}  --model  {work}/bert  -o  {out}",
    ),
    Case("tune", "tuned", readers.trainings, TUNE, f"{TUNE}  -r  mean@-1", resumed=True),
    export("sentence-transformers", readers.model, "cls@-1", "mean@-1"),
    export("transformers", readers.model, "cls@-1", "cls@2"),
    export("onnx", readers.graph, "mean@-1", "mean@-1|truncate(8)"),
    Case("convert", "model", readers.model, "", "convert  {work}/pickle  {out}", once=True),
    Case(
        "transform", "t.safetensors", readers.transform,
        saved("mean@-1|whiten(3)"), saved("mean@-1|whiten(4)"),
    ),
    Case(
        "readout", "readout.toml", readers.chosen,
        chosen("mean@-1|center", 1), chosen("mean@-1|center", 2),
    ),
)  # fmt: skip
