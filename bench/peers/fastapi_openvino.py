"""FastAPI on uvicorn with OpenVINO, by OpenVINO's own advice.

`PEER_HINT=throughput`: asynchronous requests on as many streams as OpenVINO chooses;
`PEER_HINT=latency`: one stream. `PEER_WORKERS` processes with `PEER_THREADS` threads each. The
precision is what OpenVINO takes by itself, bf16 where the processor has it, unless
`PEER_PRECISION=f32`.
"""

import asyncio
import os

import onnx
import openvino
import uvicorn
from common import MODEL, PORT, THREADS, WORKERS, Contract
from fastapi import FastAPI, Request
from fastapi.responses import ORJSONResponse

os.environ["OPENVINO_TELEMETRY_DISABLED"] = "1"

app = FastAPI(default_response_class=ORJSONResponse)


class OpenVino:
    def __init__(self) -> None:
        metadata = onnx.load(MODEL, load_external_data=False).metadata_props
        manifest = next(entry.value for entry in metadata if entry.key == "normgate.manifest")
        self.contract = Contract(manifest)
        core = openvino.Core()
        network = core.read_model(MODEL)
        # Every request is one image; a fixed shape lets OpenVINO choose its kernels beforehand.
        network.reshape({0: [1, 3, self.contract.height, self.contract.width]})
        hint = os.environ.get("PEER_HINT", "throughput").upper()
        config = {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": THREADS}
        if precision := os.environ.get("PEER_PRECISION"):
            config["INFERENCE_PRECISION_HINT"] = precision
        if WORKERS > 1:
            # Each process would pin its threads to the first cores, all of them to the same.
            config["ENABLE_CPU_PINNING"] = False
        self.queue = openvino.AsyncInferQueue(core.compile_model(network, "CPU", config))
        self.queue.set_callback(self.finished)
        self.slots = asyncio.Semaphore(len(self.queue))

    @staticmethod
    def finished(request, waiting) -> None:
        loop, future = waiting
        logits = request.get_tensor("logits").data[0].copy()
        representation = request.get_tensor("representation").data[0].copy()
        loop.call_soon_threadsafe(future.set_result, (logits, representation))

    async def classify(self, body: bytes) -> dict:
        tensor = self.contract.tensor(body)[None]
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        # If no request were free, `start_async` would block the event loop.
        async with self.slots:
            self.queue.start_async({0: tensor}, (loop, future))
            output = await future
        return self.contract.answer(*output)


model = OpenVino() if __name__ != "__main__" else None


@app.post("/classify")
async def classify(request: Request) -> ORJSONResponse:
    return ORJSONResponse(await model.classify(await request.body()))


@app.get("/readyz")
async def ready() -> dict:
    return {"status": "ready", "workers": WORKERS}


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_openvino:app",
        port=PORT,
        workers=WORKERS,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
