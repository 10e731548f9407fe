"""Embedders for evaluation libraries, one file a protocol."""
