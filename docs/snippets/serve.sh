# --8<-- [start:start]
poolwise serve demo -r 'mean@-1|l2' -r cls@-1 --port 8101 &
# --8<-- [end:start]
server=$!
trap 'kill $server' EXIT
# --8<-- [start:ready]
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8101/readyz
# --8<-- [end:ready]

# --8<-- [start:ask]
curl -s --fail -D headers.txt http://127.0.0.1:8101/v1/embeddings \
    -H 'Content-Type: application/json' \
    -d '{"model": "demo", "input": ["a cat sat", "a dog ran"]}' -o vectors.json
grep x-poolwise-readout headers.txt
# --8<-- [end:ask]
grep -q 'mean@-1|l2' headers.txt

# --8<-- [start:other]
curl -s --fail http://127.0.0.1:8101/embed -H 'Content-Type: application/json' \
    -d '{"inputs": "a cat sat"}' -o tei.json
curl -s --fail http://127.0.0.1:8101/api/embed -H 'Content-Type: application/json' \
    -d '{"model": "demo", "input": "a cat sat"}' -o ollama.json
curl -s --fail http://127.0.0.1:8101/v2/embed -H 'Content-Type: application/json' \
    -d '{"model": "demo", "texts": ["a cat sat"], "input_type": "search_query",
         "embedding_types": ["float", "ubinary"]}' -o cohere.json
# --8<-- [end:other]

python - <<'END'
# --8<-- [start:openai]
import openai

client = openai.OpenAI(base_url="http://127.0.0.1:8101/v1", api_key="none")
for model in ("demo", "demo:cls@-1", "mean@3"):
    reply = client.embeddings.create(model=model, input=["a cat sat"])
    print(model, len(reply.data[0].embedding), reply.readout)
# --8<-- [end:openai]
END

# --8<-- [start:metrics]
curl -s http://127.0.0.1:8101/metrics | grep '^poolwise_requests_total'
# --8<-- [end:metrics]

# --8<-- [start:stop]
kill -TERM $server
wait $server  # exit code 0: what was accepted is answered
# --8<-- [end:stop]

# --8<-- [start:file]
cat > serve.toml <<'END'
host = "127.0.0.1"
port = 8101
api_key_file = "keys.txt"

[models.en]
model = "demo"                        # a folder, a hub id, or demo
readouts = ["mean@-1|l2", "cls@-1"]   # the first is the default

[models.en-fast]
model = "demo"
precision = "fast"
max_length = 128

[settings]
queue_tokens = 32768
drain_seconds = 20.0
END
python -c 'import secrets; print(secrets.token_urlsafe())' > keys.txt
poolwise serve --config serve.toml &
# --8<-- [end:file]
server=$!
curl -s --retry 120 --retry-delay 1 --retry-connrefused http://127.0.0.1:8101/readyz
# --8<-- [start:key]
curl -s --fail http://127.0.0.1:8101/v1/embeddings -H "Authorization: Bearer $(cat keys.txt)" \
    -H 'Content-Type: application/json' -d '{"model": "en-fast", "input": "a cat sat"}' -o fast.json
curl -s http://127.0.0.1:8101/v1/embeddings \
    -H 'Content-Type: application/json' -d '{"model": "en-fast", "input": "a cat sat"}'
# --8<-- [end:key]
