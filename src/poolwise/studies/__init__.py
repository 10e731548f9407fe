"""Questions, one a study, and the passes that answer them."""
