"""FastAPI on uvicorn with ONNX Runtime: `PEER_WORKERS` processes with `PEER_THREADS` threads each.

A plain `def` endpoint would run on FastAPI's pool of 40 threads; the event loop itself is faster
with one thread a session, and with several the pool lets requests overlap.
"""

import uvicorn
from common import PORT, THREADS, WORKERS, OnnxRuntime
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import ORJSONResponse

app = FastAPI(default_response_class=ORJSONResponse)
model = OnnxRuntime() if __name__ != "__main__" else None


def classify_bytes(body: bytes) -> dict:
    return model.run([model.contract.tensor(body)])[0]


@app.post("/classify")
async def classify(request: Request) -> ORJSONResponse:
    body = await request.body()
    if THREADS == 1:
        return ORJSONResponse(classify_bytes(body))
    return ORJSONResponse(await run_in_threadpool(classify_bytes, body))


@app.get("/readyz")
async def ready() -> dict:
    return {"status": "ready", "workers": WORKERS}


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_onnxruntime:app",
        port=PORT,
        workers=WORKERS,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
