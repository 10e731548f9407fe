"""How long a comparison of five fine-tuned readouts takes, and what it says.

    python benchmarks/tune.py NAME OUT -- --labels F [more of poolwise tune]

1,000 rows and three seeds unless said otherwise, the demo model, in a process of its own and in an
empty folder OUT; NAME is that of the data in benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from machine import describe

HERE = Path(__file__).parent
OPTIONS = ("--n", "1000", "--seeds", "3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("more", nargs="+")
    arguments = parser.parse_args()
    if arguments.out.exists():
        sys.exit(f"{arguments.out} is there already: what it holds would not be trained again")
    command = ["poolwise", "tune", "demo", *OPTIONS, *arguments.more, "-o", str(arguments.out)]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", *command], check=True)
    keep(arguments.name, arguments.out, time.perf_counter() - began, [*OPTIONS, *arguments.more])


def keep(name: str, out: Path, seconds: float, options: list[str]) -> None:
    """Write what the folder says, and the time it took, as a result."""
    (finding,) = json.loads((out / "findings.json").read_text("utf-8"))
    results: dict[str, Any] = {
        "machine": describe(),
        "data": name,
        "options": [Path(option).name for option in options],
        "minutes": seconds / 60,
        "verdict": finding["verdict"],
        "notes": finding["notes"],
        "numbers": finding["numbers"],
        "made": finding["made"],
    }
    path = HERE / "results" / f"tune-{name}-{results['machine']['date']}.json"
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{results['minutes']:.1f} minutes: {path}")


if __name__ == "__main__":
    main()
