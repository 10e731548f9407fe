# --8<-- [start:start]
poolwise serve demo --port 8103 &
# --8<-- [end:start]
server=$!
trap 'kill $server' EXIT
# --8<-- [start:ready]
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8103/health
curl -s http://127.0.0.1:8103/info
# --8<-- [end:ready]

# --8<-- [start:requests]
curl -s --fail http://127.0.0.1:8103/embed -H 'Content-Type: application/json' \
    -d '{"inputs": ["a cat sat", "a dog ran"], "truncate": true}' -o vectors.json
curl -s --fail http://127.0.0.1:8103/embed -H 'Content-Type: application/json' \
    -H 'x-poolwise-model: cls@-1' -d '{"inputs": "a cat sat"}' -o first_token.json
# --8<-- [end:requests]

python - <<'END'
# --8<-- [start:client]
from huggingface_hub import InferenceClient

client = InferenceClient(model="http://127.0.0.1:8103")
vectors = client.feature_extraction(["a cat sat", "a dog ran"])
print(vectors.shape, vectors.dtype)
print(client.sentence_similarity("a cat sat", other_sentences=["a kitten rested", "it rains"]))
# --8<-- [end:client]

# --8<-- [start:same]
import numpy as np

import poolwise

texts = ["a cat sat", "a dog ran"]
own = poolwise.load("demo").embed(texts, "mean@-1|l2")
assert np.array_equal(vectors, own)  # bit for bit
# --8<-- [end:same]
END

# --8<-- [start:refused]
curl -s http://127.0.0.1:8103/rerank -H 'Content-Type: application/json' \
    -d '{"query": "a cat", "texts": ["a cat sat"]}'
# --8<-- [end:refused]
