"""The attention weights of [CLS], and what other methods attribute to each token."""

from poolwise.studies.attention.study import Attention

__all__ = ["Attention"]
