"""Embeds with openai's second major and with litellm; run in an environment that holds them.

    python other_clients.py URL MODEL TEXT...

Prints a JSON object: versions, each client's vectors, the error that each raises.
"""

from __future__ import annotations

import asyncio
import json
import sys

import litellm
import openai

UNKNOWN = "text-embedding-3-small"


def with_openai(url: str, model: str, texts: list[str]) -> dict:
    with openai.OpenAI(base_url=url, api_key="any") as client:
        reply = client.embeddings.create(model=model, input=texts)
        raw = client.embeddings.with_raw_response.create(model=model, input=texts[0])
        numbers = client.embeddings.create(model=model, input=texts, encoding_format="float")
        try:
            client.embeddings.create(model=UNKNOWN, input=texts)
        except openai.OpenAIError as error:
            raised = type(error).__name__
        return {
            "vectors": [row.embedding for row in reply.data],
            "numbers": [row.embedding for row in numbers.data],
            "header": raw.headers["x-poolwise-readout"],
            "models": [found.id for found in client.models.list()],
            "raised": raised,
        }


def with_litellm(url: str, model: str, texts: list[str]) -> dict:
    options = {"model": f"openai/{model}", "input": texts, "api_base": url, "api_key": "any"}
    reply = litellm.embedding(**options)
    later = asyncio.run(litellm.aembedding(**options))
    numbers = litellm.embedding(**options, encoding_format="float")
    try:
        litellm.embedding(**{**options, "model": f"openai/{UNKNOWN}"})
    except Exception as error:  # whichever it makes of the reply
        raised = type(error).__name__
    return {
        "vectors": [row["embedding"] for row in reply.data],
        "later": [row["embedding"] for row in later.data],
        "numbers": [row["embedding"] for row in numbers.data],
        "tokens": reply.usage.prompt_tokens,
        "raised": raised,
    }


if __name__ == "__main__":
    url, model, *texts = sys.argv[1:]
    result = {
        "version": openai.__version__,
        "openai": with_openai(url, model, texts),
        "litellm": with_litellm(url, model, texts),
    }
    print(json.dumps(result))
