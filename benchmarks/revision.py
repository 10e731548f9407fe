"""Names the commit that a measurement was made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

WORDS = ("git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*")


def commit() -> str:
    """With a plus sign where files have changed since; "unknown" outside a clone."""
    here = Path(__file__).parent
    done = subprocess.run(WORDS, cwd=here, check=False, capture_output=True, encoding="utf-8")
    return done.stdout.strip() or "unknown"
