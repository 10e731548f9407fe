"""Which readout made these vectors?

A source of vectors (``source``, ``endpoints``, ``stored``) gives the evidence; ``identify``
compares it with everything that a model can give; ``statements`` says what was found, one aspect at
a time, and ``diagnose`` puts them together.
"""
