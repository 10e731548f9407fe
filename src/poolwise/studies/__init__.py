"""Questions, one a study, and the pass that answers them."""

from poolwise.studies.base import Study
from poolwise.studies.length import LengthStudy
from poolwise.studies.runner import run

__all__ = ["LengthStudy", "Study", "run"]
