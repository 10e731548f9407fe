"""A txtai index over the vectors of a readout: pip install txtai

txtai takes a function as it is; a method, embedder.encode alone, it would call without texts.
"""

from txtai import Embeddings

from poolwise import Embedder

embedder = Embedder("demo")


def encode(texts):
    return embedder.encode(texts)


index = Embeddings(method="external", transform=encode, content=True)
index.index(["How do I top up?", "My card was stolen.", "What is the exchange rate?"])
for row in index.search("somebody took my card", 2):
    print(f"{row['score']:.2f}  {row['text']}")

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
