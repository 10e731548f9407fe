# --8<-- [start:start]
poolwise serve demo --bert-as-service --port 8104 &
# --8<-- [end:start]
server=$!
trap 'kill $server' EXIT
# --8<-- [start:ready]
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8104/readyz
# --8<-- [end:ready]

python - <<'END'
# --8<-- [start:client]
from bert_serving.client import BertClient

with BertClient(check_length=False) as client:
    vectors = client.encode(["a cat sat", "a dog ran"])
    print(vectors.shape, vectors.dtype)
    print(client.server_config["readout"], client.server_config["max_seq_len"])
# --8<-- [end:client]

# --8<-- [start:same]
import numpy as np

import poolwise

model = poolwise.load("demo", max_length=25)
own = model.embed(["a cat sat", "a dog ran"], "mean@-2")
assert np.array_equal(vectors, own)  # bit for bit
# --8<-- [end:same]
END

# --8<-- [start:http]
curl -s --fail http://127.0.0.1:8104/encode -H 'Content-Type: application/json' \
    -d '{"id": 1, "texts": ["a cat sat"], "is_tokenized": false}' -o vectors.json
curl -s http://127.0.0.1:8104/status/server
# --8<-- [end:http]
