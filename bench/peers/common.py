"""What all peers do alike: from a picture's bytes to the model's input, and from its output to the answer.

As fast as Pillow and NumPy allow: JPEGs are decoded at a reduced size where that is enough.
"""

from __future__ import annotations

import io
import json
import math
import os

import numpy as np
from PIL import Image

MODEL = os.environ["PEER_MODEL"]
PORT = int(os.environ["PEER_PORT"])
WORKERS = int(os.environ.get("PEER_WORKERS", "1"))
THREADS = int(os.environ.get("PEER_THREADS", "1"))


class Contract:
    """Preprocessing, labels, score and threshold of the model, from its manifest."""

    def __init__(self, manifest: str) -> None:
        manifest = json.loads(manifest)
        preprocessing = manifest["preprocessing"]
        self.width, self.height = preprocessing["width"], preprocessing["height"]
        mean = np.array(preprocessing["mean"], np.float32)
        std = np.array(preprocessing["std"], np.float32)
        self.scale, self.shift = 1 / (255 * std), mean / std
        self.labels = manifest["labels"]
        self.threshold = manifest["calibration"]["threshold"]

    def tensor(self, body: bytes) -> np.ndarray:
        """The model's input [3, height, width] for a picture: centre crop, bilinear, normalised."""
        image = Image.open(io.BytesIO(body))
        image.draft("RGB", (self.width, self.height))
        image = image.convert("RGB")
        if image.size != (self.width, self.height):
            side = min(image.width / self.width, image.height / self.height)
            width, height = side * self.width, side * self.height
            left, top = (image.width - width) / 2, (image.height - height) / 2
            box = (left, top, left + width, top + height)
            image = image.resize(
                (self.width, self.height), Image.Resampling.BILINEAR, box, reducing_gap=2.0
            )
        pixels = np.asarray(image, np.float32) * self.scale - self.shift
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def answer(self, logits: np.ndarray, representation: np.ndarray) -> dict:
        """Label, confidence and verdict of one picture."""
        likely = int(logits.argmax())
        probabilities = np.exp(logits - logits[likely])
        score = -math.sqrt(float(representation @ representation))
        return {
            "label": self.labels[likely],
            "confidence": float(1 / probabilities.sum()),
            "score": score,
            "is_ood": score > self.threshold,
        }


class OnnxRuntime:
    """The model on ONNX Runtime, without the usage data that official builds send."""

    def __init__(self) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            MODEL, options, providers=["CPUExecutionProvider"]
        )
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.contract = Contract(metadata["normgate.manifest"])
        self.input = self.session.get_inputs()[0].name

    def run(self, tensors: list[np.ndarray]) -> list[dict]:
        logits, representation = self.session.run(
            ["logits", "representation"], {self.input: np.stack(tensors)}
        )
        return [self.contract.answer(*row) for row in zip(logits, representation)]
