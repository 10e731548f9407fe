"""Which layers tell what each word is? BERT's table 7, on any encoder and any tags."""

from poolwise.studies.tagging.study import Tagging

__all__ = ["Tagging"]
