"""What happens after pooling: fit, apply, save."""

from poolwise.transforms.transform import Transform, fit, stateless

__all__ = ["Transform", "fit", "stateless"]
