"""Keywords by KeyBERT in the vectors of a readout: pip install 'poolwise[export]' keybert

An Embedder alone KeyBERT does not know: it would load a model of its own.
as_sentence_transformer() is one that it takes.
"""

from keybert import KeyBERT

from poolwise import Embedder

text = """My card was stolen while I was travelling. Somebody took money out at a cash machine,
and I cannot reach the bank to block the card."""
model = KeyBERT(Embedder("demo", "mean@-1").as_sentence_transformer())
for words, score in model.extract_keywords(text, keyphrase_ngram_range=(1, 2), top_n=3):
    print(f"{score:.2f}  {words}")

# 0.68  card stolen
# 0.62  block card
# 0.57  bank block
