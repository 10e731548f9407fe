"""Topics by BERTopic in the vectors of a readout: pip install 'poolwise[export]' bertopic

An Embedder alone BERTopic does not know: it would load a model of its own and say nothing.
as_sentence_transformer() is one that it takes.
"""

import csv
from pathlib import Path

from bertopic import BERTopic
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer

from poolwise import Embedder

with (Path(__file__).parent.parent / "banking77.csv").open(encoding="utf-8") as lines:
    texts = [row["text"] for row in csv.DictReader(lines)][::20]
model = BERTopic(
    embedding_model=Embedder("demo", "mean@-1|l2").as_sentence_transformer(),
    umap_model=PCA(5, random_state=0),
    hdbscan_model=KMeans(5, n_init=5, random_state=0),
    vectorizer_model=CountVectorizer(stop_words="english"),
)
topics, _ = model.fit_transform(texts)
for topic in sorted(set(topics)):
    print(*(word for word, _ in model.get_topic(topic)[:4]), sep=", ")

# account, cash, payment, money
# card, new, cards, pin
# exchange, rate, currencies, currency
# transfer, long, right, hasn
# pay, auto, ups, apple
