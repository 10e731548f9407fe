"""Data as people have them: which column is what, and what task they make, is inferred and said."""
