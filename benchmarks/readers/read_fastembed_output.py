"""fastembed with the graph's own vectors, ``output_name="sentence_embedding"``."""

from __future__ import annotations

import read_fastembed
from read_fastembed import PACKAGES, read

read_fastembed.OUTPUT = "sentence_embedding"

__all__ = ["PACKAGES", "read"]
