"""Questions, one a study, and the pass that answers them."""

from poolwise.studies.base import Study
from poolwise.studies.length import LengthStudy
from poolwise.studies.runner import run

STUDIES = {"length": LengthStudy}

__all__ = ["STUDIES", "LengthStudy", "Study", "run"]
