import json
from pathlib import Path

import poolwise

lines = Path("banking77-retrieval/corpus.jsonl").read_text(encoding="utf-8").splitlines()
documents = [json.loads(line) for line in lines]
with Path("documents.jsonl").open("w", encoding="utf-8") as file:
    for document in documents:
        text = f"{document['title']} {document['text']}"
        file.write(json.dumps({"id": document["_id"], "text": text}) + "\n")

poolwise.embed_corpus(
    "demo", "documents.jsonl", "documents", "mean@-1|l2", id_column="id", with_text=True
)
found = poolwise.search("documents", ["my card has not come", "how do I get a PIN"], k=3)
for query in found.queries:
    print(query.query, [hit.id for hit in query.hits])
