"""Tokenizers: tokenizer.json and what stands beside it, checked, and texts to ids."""

from poolwise.encoders.tokenizer.tokenizer import Tokenizer

__all__ = ["Tokenizer"]
