"""LitServe with ONNX Runtime, batching on: `PEER_WORKERS` processes with `PEER_THREADS` threads each.

LitServe takes JSON or forms, no bare bytes: the picture comes as base64 in JSON.
"""

import base64

import litserve
from common import PORT, WORKERS, OnnxRuntime

MAX_BATCH = 16


class Classifier(litserve.LitAPI):
    def setup(self, device) -> None:
        self.model = OnnxRuntime()

    def decode_request(self, request):
        return self.model.contract.tensor(base64.b64decode(request["image"]))

    def batch(self, inputs):
        return inputs

    def predict(self, tensors):
        return self.model.run(tensors)

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    # With a timeout of 0, a batch takes what is waiting and does not wait for more.
    api = Classifier(max_batch_size=MAX_BATCH, batch_timeout=0.0, api_path="/classify")
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=WORKERS, timeout=False, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=PORT,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
