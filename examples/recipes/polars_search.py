"""A file of vectors in polars: pip install polars"""

import polars as pl

import poolwise

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
model = poolwise.load("demo")
readout = "mean@-1|l2"
poolwise.embed(
    model, texts, "questions.parquet", {"embedding": readout}, with_text=True, force=True
)

table = pl.read_parquet("questions.parquet")
scores = table["embedding"].to_numpy() @ model.embed("somebody took my card", readout)
best = table.with_columns(score=pl.Series(scores)).sort("score", descending=True).head(2)
for text, score in best.select("text", "score").iter_rows():
    print(f"{score:.2f}  {text}")
print(table.schema["embedding"])

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
# Array(Float32, shape=(384,))
