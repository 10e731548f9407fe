"""Does the norm of [CLS] encode the sentence's length?"""

from poolwise.studies.length.study import LengthStudy

__all__ = ["LengthStudy"]
