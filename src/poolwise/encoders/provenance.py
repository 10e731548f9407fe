"""Provenance of an encoder: which model, in which state, with which prompt."""

from __future__ import annotations

from poolwise.encoders.encoder import Encoder
from poolwise.version import __version__


def source_provenance(encoder: Encoder) -> dict[str, str]:
    """Library version, model and its hash."""
    return {"poolwise": __version__, "model": encoder.name, "model_hash": encoder.hash}


def prompt_provenance(encoder: Encoder) -> dict[str, str]:
    """The prompt in front of every text; empty without one."""
    if not encoder.prefix:
        return {}
    pooled = {} if encoder.prompts.pooled else {"prompt_pooled": "no"}
    return {"prompt": encoder.prefix, **pooled}
