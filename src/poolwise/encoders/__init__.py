"""Encoders: configuration, weights and tokenizer, all checked; no code of a folder runs."""

from poolwise.encoders.config import Config
from poolwise.encoders.encoder import Encoder
from poolwise.encoders.families import FAMILIES, Family
from poolwise.encoders.loading import load
from poolwise.encoders.tokenizer import Tokenizer

__all__ = ["FAMILIES", "Config", "Encoder", "Family", "Tokenizer", "load"]
