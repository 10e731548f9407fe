"""Is [CLS] a weighted average of its sentence's tokens?"""

from poolwise.studies.average.study import Average

__all__ = ["Average"]
