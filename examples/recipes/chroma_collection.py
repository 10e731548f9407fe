"""A Chroma collection on disk, opened again: pip install 'poolwise[chroma]'"""

import chromadb

from poolwise import Embedder
from poolwise.adapters.chroma import ChromaEmbeddingFunction

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
function = ChromaEmbeddingFunction(Embedder("demo"))
collection = chromadb.PersistentClient("chroma").get_or_create_collection(
    "questions", embedding_function=function
)
collection.upsert(ids=["a", "b", "c"], documents=texts)

# Later: the collection knows its embedder. In another process, import poolwise.adapters.chroma.
collection = chromadb.PersistentClient("chroma").get_collection("questions")
found = collection.query(query_texts=["somebody took my card"], n_results=2)
for text, distance in zip(found["documents"][0], found["distances"][0], strict=True):
    print(f"{1 - distance:.2f}  {text}")

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
