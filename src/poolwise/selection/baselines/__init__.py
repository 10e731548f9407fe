"""What needs no contextual layer: the yardsticks of every sweep, and features for controls."""

from poolwise.selection.baselines.baseline import BASELINES, ENCODER_BASELINES, Baseline, baselines
from poolwise.selection.baselines.controls import bag_of_words, length_only

__all__ = ["BASELINES", "ENCODER_BASELINES", "Baseline", "bag_of_words", "baselines", "length_only"]
