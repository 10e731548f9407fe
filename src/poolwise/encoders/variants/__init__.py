"""Encoders derived from an encoder: fewer blocks, tokens in another order, untrained weights."""
