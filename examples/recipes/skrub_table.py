"""A table with a column of texts, in skrub and scikit-learn: pip install skrub

skrub takes an Embedder as it is, for the columns that ApplyToCols names or as the
high_cardinality encoder of a TableVectorizer.
"""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from skrub import ApplyToCols

from poolwise import Embedder

questions = ["How do I top up?", "Top up failed.", "My card was stolen.", "Where is my card?"]
table = pd.DataFrame({"question": questions, "country": [1, 2, 1, 2]})
topics = ["top up", "top up", "card", "card"]

pipeline = make_pipeline(ApplyToCols(Embedder("demo"), cols="question"), LogisticRegression())
pipeline.fit(table, topics)
new = pd.DataFrame({"question": ["Somebody took my card.", "Add money"], "country": [2, 1]})
print(*pipeline.predict(new), sep=", ")

# card, top up
