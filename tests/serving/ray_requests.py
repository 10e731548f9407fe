"""Runs examples/serving/ray_serve.py on two CPUs, and asks it for vectors.

    python ray_requests.py PORT READOUT TEXT...

Prints a JSON object: each reply, the readout of its header, and what /readyz says.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import ray
from ray import serve
from ray_serve import deployment

if __name__ == "__main__":
    port, readout, *texts = sys.argv[1:]
    url = f"http://127.0.0.1:{port}"

    def post(inputs: list[str]) -> dict:
        body = {"model": readout, "input": inputs, "encoding_format": "float"}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/v1/embeddings", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as reply:
            return {**json.load(reply), "header": reply.headers["x-poolwise-readout"]}

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
    serve.run(deployment)
    with urllib.request.urlopen(f"{url}/readyz", timeout=120) as reply:
        ready = json.load(reply)
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(post, [texts, *([text] for text in texts * 8)]))
    serve.shutdown()
    ray.shutdown()
    print(json.dumps({"replies": replies, "ready": ready}))
