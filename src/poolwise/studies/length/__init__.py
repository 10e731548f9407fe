"""Does the norm of [CLS] encode the sentence's length?"""

from poolwise.studies.length.study import Length

__all__ = ["Length"]
