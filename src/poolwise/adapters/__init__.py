"""Embedders for others' evaluations, one file a protocol."""
