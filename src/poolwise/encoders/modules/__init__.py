"""sentence-transformers' modules: which readout a folder declares, and its layers after pooling."""
