"""What happens after pooling: fit, apply, save."""

from poolwise.transforms.transform import Transform, finite_rows, fit, stateless

__all__ = ["Transform", "finite_rows", "fit", "stateless"]
