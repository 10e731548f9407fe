"""From findings to pictures and one page; renders what studies found and computes nothing."""
