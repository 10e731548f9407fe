"""A fine-tuned classifier, read and run without torch."""
