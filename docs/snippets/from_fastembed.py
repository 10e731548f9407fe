# --8<-- [start:new]
import numpy as np

import poolwise

new = poolwise.Embedder("demo", "mean@-1|l2")
texts = ["a cat sat", "a dog ran over the hill"]
vectors = new.encode(texts)
assert vectors.shape == (2, 384)
assert vectors.dtype == np.float32
# --8<-- [end:new]

# --8<-- [start:stream]
model = poolwise.load("demo")
for batch in model.extract(texts, ["mean@-1", "cls@-1"]):  # as an iterator, in bounded memory
    print(batch.vectors["mean@-1"].shape, batch.n_tokens)
# --8<-- [end:stream]
