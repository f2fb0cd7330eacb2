#!/usr/bin/env python3
"""The training step of `normgate-train train --method rna` in PyTorch, timed.

One step as the trainer makes it: 128 + 128 images forward in train mode, RNA's loss on the first
half, backward, Adam. Nothing else takes time here: the batches are tensors in memory, made before
the clock starts. Channels last, as the trainer has it, is the faster layout for PyTorch too.

Prints one line of JSON: {"images_per_second": …, "loss": …}.
"""

import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F


def convolution(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs, affine=False)
        self.conv2, self.bn2 = convolution(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs, affine=False)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu(y)


class Network(nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        blocks, inputs = [], width
        for stage in range(4):
            for stride in (1 if stage == 0 else 2, 1):
                blocks.append(Block(inputs, width << stage, stride))
                inputs = width << stage
        self.stem = nn.Sequential(convolution(3, width, 3, 1), nn.BatchNorm2d(width, affine=False), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(inputs, classes)
        self.projection = nn.Sequential(nn.Linear(inputs, inputs), nn.ReLU(), nn.Linear(inputs, 128))

    def forward(self, x):
        return self.blocks(self.stem(x)).mean((2, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128, help="images, and as many auxiliary ones")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    device = torch.device(asked.device)
    # As normgate-train has it: the fastest algorithms, and float32 where float32 is asked for.
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    network = Network(asked.width).to(device, memory_format=torch.channels_last)
    representation = torch.compile(network) if asked.compile else network
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=5e-4, fused=True)
    counts = torch.tensor([5000 * 0.01 ** (k / 9) for k in range(10)], device=device)
    prior = (counts / counts.sum()).log()
    batches = [torch.rand(2 * asked.batch, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last) for _ in range(4)]
    labels = [torch.randint(10, (asked.batch,), device=device) for _ in batches]

    def step(number):
        images, targets = batches[number % 4], labels[number % 4]
        with torch.autocast(device.type, torch.bfloat16, enabled=asked.bf16):
            found = representation(images)[: asked.batch].float()
        classification = F.cross_entropy(network.linear(found) + prior, targets)
        norm = network.projection(found).norm(dim=1).log1p().mean()
        loss = classification - 0.5 * norm
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return loss

    for number in range(5):
        loss = step(number)
    if device.type == "cuda":
        torch.cuda.synchronize()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < asked.seconds:
        loss = step(done)
        done += 1
        if device.type == "cuda" and done % 20 == 0:
            torch.cuda.synchronize()
    loss = loss.item()
    rate = done * 2 * asked.batch / (time.perf_counter() - started)
    assert math.isfinite(loss), loss
    print(json.dumps({"images_per_second": round(rate, 1), "loss": round(loss, 3)}))


if __name__ == "__main__":
    main()
