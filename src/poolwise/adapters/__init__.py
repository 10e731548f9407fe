"""An embedder in other libraries, one file a library."""
