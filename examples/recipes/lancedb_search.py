"""A LanceDB table on disk: pip install lancedb

LanceDB takes a column of equally long lists of float32 as vectors, as poolwise writes them.
"""

import lancedb
import pyarrow.parquet as pq

import poolwise

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
model = poolwise.load("demo")
readout = "mean@-1|l2"
poolwise.embed(
    model, texts, "questions.parquet", {"embedding": readout}, with_text=True, force=True
)

rows = pq.read_table("questions.parquet")
table = lancedb.connect("lancedb").create_table("questions", rows, mode="overwrite")
query = model.embed("somebody took my card", readout)
for row in table.search(query).distance_type("cosine").limit(2).to_list():
    print(f"{1 - row['_distance']:.2f}  {row['text']}")

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
