"""What shape is the space of a layer's vectors?"""

from poolwise.studies.geometry.study import Geometry

__all__ = ["Geometry"]
