"""MLServer with ONNX Runtime, adaptive batching on: a runtime of its own, in `PEER_WORKERS` processes.

MLServer speaks the Open Inference Protocol: the picture comes as base64 in JSON. Decoding lies
inside the batched call, as MLServer batches requests before the runtime sees them.
"""

import asyncio
import base64
import json

from common import MODEL, PORT, WORKERS, OnnxRuntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

MAX_BATCH = 16


class Classifier(MLModel):
    async def load(self) -> bool:
        self.model = OnnxRuntime()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pictures = payload.inputs[0].data.root
        tensors = [self.model.contract.tensor(base64.b64decode(data)) for data in pictures]
        answers = [json.dumps(answer) for answer in self.model.run(tensors)]
        output = ResponseOutput(
            name="answer", shape=[len(answers), 1], datatype="BYTES", data=answers
        )
        return InferenceResponse(model_name=self.name, outputs=[output])


async def main() -> None:
    settings = Settings(
        debug=False,
        host="127.0.0.1",
        http_port=PORT,
        grpc_port=0,
        metrics_endpoint=None,
        # 0 runs the model inside the server's own process.
        parallel_workers=WORKERS if WORKERS > 1 else 0,
    )
    model = ModelSettings(
        name="classify",
        implementation=Classifier,
        max_batch_size=MAX_BATCH,
        # As short as can be: 0 would switch batching off.
        max_batch_time=0.001,
        parameters=ModelParameters(uri=MODEL),
    )
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(main())
