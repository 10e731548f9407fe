"""Search by SQL in DuckDB, straight in the file of vectors: pip install duckdb

The column has a name that needs no quotes; the file's metadata say which readout it is.
`poolwise embed demo questions.csv -r 'embedding=mean@-1|l2' --with-text -o questions.parquet`
writes the same file.
"""

import duckdb

import poolwise

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
model = poolwise.load("demo")
readout = "mean@-1|l2"
poolwise.embed(
    model, texts, "questions.parquet", {"embedding": readout}, with_text=True, force=True
)

search = """
    SELECT text, array_inner_product(embedding::FLOAT[384], ?::FLOAT[384]) AS score
    FROM 'questions.parquet' ORDER BY score DESC LIMIT 2
"""
query = model.embed("somebody took my card", readout).tolist()
for text, score in duckdb.execute(search, [query]).fetchall():
    print(f"{score:.2f}  {text}")

metadata = """
    SELECT decode(value) FROM parquet_kv_metadata('questions.parquet')
    WHERE decode(key) = 'poolwise.columns'
"""
print(*duckdb.execute(metadata).fetchone())

# 0.76  My card was stolen.
# 0.04  What is the exchange rate?
# {"embedding": "mean@-1|l2"}
