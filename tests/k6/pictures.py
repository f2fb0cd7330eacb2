#!/usr/bin/env python3
"""pictures.py FOLDER: writes the pictures that the load tests send and that need not be kept.

Only the standard library: whoever runs a load test has Python, and may have nothing else.
"""

import random
import struct
import sys
import zlib
from pathlib import Path

GREY, RGB, RGBA = 0, 2, 6
# Where the seven passes of an interlaced PNG start, and their steps (PNG specification, 8.2).
ADAM7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]
PAETH = 4


def png(width: int, height: int, depth: int, colour: int, rows, interlaced: bool = False) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    packed = b"".join([packer.compress(row) for row in rows] + [packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def noise() -> bytes:
    """As small as the shipped model's input, and foreign to it."""
    return png(32, 32, 8, RGB, (b"\0" + bytes(random.choices(range(256), k=32 * 3)) for _ in range(32)))


def laborious() -> bytes:
    """Five kilobytes that take milliseconds to decode: the server is busy long before k6 is."""
    side = 512

    def rows():
        for left, top, right, down in ADAM7:
            pixels = len(range(left, side, right))
            row = bytes([PAETH]) + bytes(range(0, 8 * 31, 31)) * pixels
            yield from [row] * len(range(top, side, down))

    return png(side, side, 16, RGBA, rows(), interlaced=True)


def bomb() -> bytes:
    """A hundred kilobytes that are 900 megapixels, should anyone unpack them."""
    side = 30_000
    return png(side, side, 1, GREY, (bytes(1 + side // 8) for _ in range(side)))


class Bits:
    """Entropy-coded JPEG data: a zero follows each byte 255, and ones fill the last byte."""

    def __init__(self):
        self.value, self.length = 1, 0

    def put(self, value: int, length: int):
        self.value = self.value << length | value
        self.length += length

    def bytes(self) -> bytes:
        fill = -self.length % 8
        value = self.value << fill | (1 << fill) - 1
        return value.to_bytes((self.length + fill) // 8 + 1, "big")[1:].replace(b"\xff", b"\xff\0")


def photo() -> bytes:
    """A baseline JPEG of 12 megapixels and some three megabytes, as a telephone takes it (4:2:0)."""
    width, height, block = 4000, 3000, 16
    across, down = width // block, -(-height // block)
    # Symbols for a block's mean (DC) and its waves (AC), all with codes of one length: not the
    # shortest, but a symbol's code is its place in the list.
    end, run_of_16 = 0x00, 0xF0
    dc = list(range(12))
    ac = [run << 4 | size for run in range(16) for size in range(1, 11)] + [end, run_of_16]

    def amplitude(bits: Bits, value: int, size: int):
        bits.put(value if value > 0 else value + (1 << size) - 1, size)

    def row() -> bytes:
        bits, last = Bits(), [0, 0, 0]
        for _ in range(across):
            for component in (0, 0, 0, 0, 1, 2):
                level = random.randint(-120, 120)
                step, last[component] = level - last[component], level
                bits.put(dc.index(abs(step).bit_length()), 4)
                amplitude(bits, step, abs(step).bit_length())
                for wave in range(6):
                    value = random.choice((-1, 1)) * random.randint(1, 24 >> wave // 2)
                    bits.put(ac.index(abs(value).bit_length()), 8)
                    amplitude(bits, value, abs(value).bit_length())
                bits.put(ac.index(end), 8)
        return bits.bytes()

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    def codes(place: int, symbols: list, length: int) -> bytes:
        counts = [len(symbols) if bits == length else 0 for bits in range(1, 17)]
        return segment(0xC4, bytes([place, *counts, *symbols]))

    sampling = bytes([1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0])
    # Each row restarts the coding, so that a few rows can be repeated all the way down.
    some = [row() for _ in range(8)]
    rows = b"".join(some[i % 8] + bytes([0xFF, 0xD0 + i % 8]) for i in range(down))[:-2]
    return b"".join([
        b"\xff\xd8",
        segment(0xDB, bytes([0] + [4] * 64)),
        segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + sampling),
        codes(0x00, dc, 4),
        codes(0x10, ac, 8),
        segment(0xDD, struct.pack(">H", across)),
        segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
        rows,
        b"\xff\xd9",
    ])


def main():
    folder = Path(sys.argv[1])
    random.seed(3)
    pictures = {"noise.png": noise, "laborious.png": laborious, "bomb.png": bomb, "photo.jpg": photo}
    for name, make in pictures.items():
        (folder / name).write_bytes(make())


main()
