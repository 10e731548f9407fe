"""Vectors of spaCy's documents and sentences: pip install 'poolwise[spacy]'"""

import spacy

nlp = spacy.blank("en")
nlp.add_pipe("sentencizer")
nlp.add_pipe("poolwise", config={"model": "demo"})

question = nlp("Somebody took my card.")
review = nlp("My card was stolen yesterday. I asked for the exchange rate. How do I top up?")
print(f"{question.similarity(review):.2f}  the whole text")
for sentence in review.sents:
    print(f"{question.similarity(sentence):.2f}  {sentence}")

# 0.47  the whole text
# 0.73  My card was stolen yesterday.
# 0.21  I asked for the exchange rate.
# 0.04  How do I top up?
