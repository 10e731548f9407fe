"""Search in LlamaIndex, without a language model: pip install 'poolwise[llama-index]'"""

from llama_index.core import Document, VectorStoreIndex

from poolwise import Embedder
from poolwise.adapters.llama_index import LlamaIndexEmbedding

texts = [
    "How do I top up my account?",
    "My card was stolen yesterday.",
    "What is the exchange rate for dollars?",
    "I forgot my passcode.",
]
index = VectorStoreIndex.from_documents(
    [Document(text=text) for text in texts], embed_model=LlamaIndexEmbedding(Embedder("demo"))
)
for node in index.as_retriever(similarity_top_k=2).retrieve("somebody took my card"):
    print(f"{node.score:.2f}  {node.text}")

# 0.72  My card was stolen yesterday.
# 0.40  I forgot my passcode.
