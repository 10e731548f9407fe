# --8<-- [start:before]
import sentence_transformers

import poolwise

folder = poolwise.load("demo").folder  # a model's folder; yours, or a hub id
texts = ["a cat sat", "a dog ran over the hill", "Shares fell sharply after the report."]

old = sentence_transformers.SentenceTransformer(str(folder))
before = old.encode(texts)
# --8<-- [end:before]

# --8<-- [start:after]
new = poolwise.Embedder(folder)
after = new.encode(texts)
# --8<-- [end:after]

# --8<-- [start:compare]
import numpy as np

difference = np.abs(before - after).max() / np.abs(before).max()
print(f"largest difference, of the largest value: {difference:.0e}")
assert difference < 1e-5
# --8<-- [end:compare]

# --8<-- [start:same]
assert np.allclose(
    old.encode(texts, prompt="query: ", normalize_embeddings=True, truncate_dim=128),
    new.encode(texts, prompt="query: ", normalize_embeddings=True, truncate_dim=128),
    atol=1e-5,
)
assert np.allclose(old.similarity(before, before), new.similarity(after, after), atol=1e-5)
# --8<-- [end:same]

# --8<-- [start:class]
model = poolwise.SentenceTransformer(folder, "mean@3|l2")
assert isinstance(model, sentence_transformers.SentenceTransformer)
assert model.encode(texts).shape == (3, 384)
# --8<-- [end:class]
