"""The machinery of choosing a readout: splits, tasks, grid, scores, comparisons, vector cache."""
