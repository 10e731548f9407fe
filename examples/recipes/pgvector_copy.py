"""Vectors into PostgreSQL with pgvector, by binary COPY: no client package, no text in between

It writes questions.bin and questions.sql; `psql -f questions.sql` loads them, as often as you like:
a row takes the place of the one with its id. The index is built after the rows are there.
"""

import struct
from pathlib import Path

import pyarrow.parquet as pq

import poolwise

texts = ["How do I top up?", "My card was stolen.", "What is the exchange rate?"]
poolwise.embed(
    "demo", texts, "questions.parquet", {"embedding": "mean@-1|l2"}, with_text=True, force=True
)


def field(data):
    return struct.pack(">i", len(data)) + data


def vector(values):
    """pgvector's binary form: the dimensions, 0, and big-endian float32."""
    return struct.pack(">HH", len(values), 0) + values.astype(">f4").tobytes()


table = pq.read_table("questions.parquet", columns=["id", "text", "embedding"])
width = table.schema.field("embedding").type.list_size
with Path("questions.bin").open("wb") as out:
    out.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
    for batch in table.to_batches():
        vectors = batch["embedding"].flatten().to_numpy().reshape(-1, width)
        for i, text, values in zip(batch["id"], batch["text"], vectors, strict=True):
            fields = struct.pack(">q", i.as_py()), text.as_py().encode(), vector(values)
            out.write(struct.pack(">h", len(fields)) + b"".join(map(field, fields)))
    out.write(struct.pack(">h", -1))

Path("questions.sql").write_text(f"""\
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS questions (id bigint PRIMARY KEY, text text, embedding vector({width}));
CREATE TEMP TABLE loaded (LIKE questions);
\\copy loaded FROM 'questions.bin' WITH (FORMAT binary)
INSERT INTO questions SELECT * FROM loaded ON CONFLICT (id)
    DO UPDATE SET text = excluded.text, embedding = excluded.embedding;
CREATE INDEX IF NOT EXISTS questions_embedding
    ON questions USING hnsw (embedding vector_cosine_ops);
""")
print(f"{table.num_rows} rows of {width} dimensions, {Path('questions.bin').stat().st_size} bytes")

# 3 rows of 384 dimensions, 4768 bytes
