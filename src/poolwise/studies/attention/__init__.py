"""Where does [CLS] look, and what does it take?"""

from poolwise.studies.attention.study import Attention

__all__ = ["Attention"]
