# long
import numpy as np
from sentence_transformers import SentenceTransformer

import poolwise

model = poolwise.load("demo")
poolwise.export(model, "cls@4", "cls4")

loaded = SentenceTransformer("cls4", device="cpu")
texts = ["a cat sat", "a dog ran"]
assert np.allclose(loaded.encode(texts), model.embed(texts, "cls@4"), atol=1e-5)
