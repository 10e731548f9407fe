"""One task a file: data with a score for vectors."""
