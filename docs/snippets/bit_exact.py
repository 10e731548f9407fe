# --8<-- [start:same]
import numpy as np

import poolwise

enc = poolwise.load("demo")
alone = enc.embed("a cat sat", "mean@-1")
among = enc.embed(["a dog ran over the hill", "a cat sat", "and"], "mean@-1")[1]
assert np.array_equal(alone, among)  # every bit, on the native engine
# --8<-- [end:same]
