"""Fine-tune a classifier over any readout, compare, and predict with what came of it."""
