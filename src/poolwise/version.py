"""The version of poolwise, on the ground floor so that any room may write it down."""

__version__ = "0.2.0"
