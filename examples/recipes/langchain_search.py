"""Search in LangChain: pip install 'poolwise[langchain]'"""

from langchain_core.vectorstores import InMemoryVectorStore

from poolwise import Embedder
from poolwise.adapters.langchain import LangChainEmbeddings

texts = [
    "How do I top up my account?",
    "My card was stolen yesterday.",
    "What is the exchange rate for dollars?",
    "I forgot my passcode.",
]
store = InMemoryVectorStore(LangChainEmbeddings(Embedder("demo")))
store.add_texts(texts)
for document, score in store.similarity_search_with_score("somebody took my card", k=2):
    print(f"{score:.2f}  {document.page_content}")

# 0.72  My card was stolen yesterday.
# 0.40  I forgot my passcode.
