"""A server of the kind that people write: FastAPI around sentence-transformers.

    python sentence_transformers_server.py MODEL PORT

One thread encodes, and takes whatever requests wait, up to 64 texts, as one batch; the event loop
stays free. It answers ``POST /v1/embeddings`` with unit vectors, as numbers or in base64.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Literal

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response
from numpy.typing import NDArray
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

try:
    from orjson import dumps
except ModuleNotFoundError:
    import json

    def dumps(value: Any) -> bytes:
        return json.dumps(value).encode()


BATCH = 64


class Request(BaseModel):
    input: str | list[str]
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"


class Batcher:
    """Texts that wait for the encoder, each with where its vector goes."""

    def __init__(self, folder: str) -> None:
        self._model = SentenceTransformer(folder, device="cpu")
        self._thread = ThreadPoolExecutor(1)
        self._waiting: asyncio.Queue[tuple[str, asyncio.Future[NDArray[np.float32]]]]
        self._waiting = asyncio.Queue()

    async def vector(self, text: str) -> NDArray[np.float32]:
        future = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((text, future))
        return await future

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            vectors = await loop.run_in_executor(self._thread, self._encode, [t for t, _ in batch])
            for (_, future), vector in zip(batch, vectors, strict=True):
                if not future.done():
                    future.set_result(vector)

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        return self._model.encode(
            texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )


def application(folder: str) -> FastAPI:
    batcher = Batcher(folder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(batcher.work())
        yield
        work.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        texts = [request.input] if isinstance(request.input, str) else request.input
        vectors = await asyncio.gather(*map(batcher.vector, texts))
        data = [
            {"object": "embedding", "index": i, "embedding": _written(v, request.encoding_format)}
            for i, v in enumerate(vectors)
        ]
        answer = {"object": "list", "data": data, "model": request.model}
        return Response(dumps(answer), media_type="application/json")

    return app


def _written(vector: NDArray[np.float32], form: str) -> str | list[float]:
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning"
    )
