"""Where the rows of a finished job go besides its Parquet parts: databases and index files.

The parts stay the truth. A target is brought to exactly their rows, and loading the same parts
again changes nothing.
"""

from poolwise.jobs.targets.address import open_target
from poolwise.jobs.targets.loading import load_targets
from poolwise.jobs.targets.target import PartFile, Target, TargetResult

__all__ = ["PartFile", "Target", "TargetResult", "load_targets", "open_target"]
