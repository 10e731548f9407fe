"""Why the first token: would any other do, and would [CLS] elsewhere?"""

from poolwise.studies.first.study import First

__all__ = ["First"]
