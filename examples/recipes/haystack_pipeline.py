"""Two Haystack pipelines, indexing and search: pip install 'poolwise[haystack]'"""

from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore

from poolwise import Embedder
from poolwise.adapters.haystack import HaystackDocumentEmbedder, HaystackTextEmbedder

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
embedder = Embedder("demo")
store = InMemoryDocumentStore(embedding_similarity_function="cosine")

indexing = Pipeline()
indexing.add_component("embedder", HaystackDocumentEmbedder(embedder))
indexing.add_component("writer", DocumentWriter(store))
indexing.connect("embedder", "writer")
indexing.run({"embedder": {"documents": [Document(content=text) for text in texts]}})

search = Pipeline()
search.add_component("embedder", HaystackTextEmbedder(embedder))
search.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=2))
search.connect("embedder.embedding", "retriever.query_embedding")
answer = search.run({"embedder": {"text": "somebody took my card"}})
for document in answer["retriever"]["documents"]:
    print(f"{document.score:.2f}  {document.content}")

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
