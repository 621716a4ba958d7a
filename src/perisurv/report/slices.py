"""A slice of CT and its outlines as SVG: grey levels as a PNG inside, outlines as vectors in voxel coordinates."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import contourpy
import numpy as np
from numpy.typing import NDArray

__all__ = ["grey_png", "outline", "png_uri", "thinned"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEFT_NEIGHBOUR = 1


def grey_png(image: NDArray[Any], window_hu: tuple[float, float]) -> bytes:
    """PNG in 256 grey levels of a slice (rows, columns) in HU; black at the lower end of the window."""
    low, high = window_hu
    grey = np.rint(np.clip((np.asarray(image, dtype=float) - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
    # Each pixel as its difference to the left one (PNG filter 1): half the bytes.
    lines = np.empty((grey.shape[0], grey.shape[1] + 1), dtype=np.uint8)
    lines[:, 0] = LEFT_NEIGHBOUR
    lines[:, 1] = grey[:, 0]
    lines[:, 2:] = grey[:, 1:] - grey[:, :-1]
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def thinned(image: NDArray[Any], most: int) -> tuple[NDArray[Any], int]:
    """Means over square blocks, so that no side has more than ``most`` pixels, and the edge of a block in pixels.

    What fills no whole block at the last row and column is left out.
    """
    step = min(-(-max(image.shape) // most), *image.shape)
    rows, columns = (n // step for n in image.shape)
    blocks = image[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return blocks.mean(axis=(1, 3)), step


def png_uri(png: bytes) -> str:
    """A PNG as an address that needs no file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def outline(mask: NDArray[np.bool_]) -> str:
    """Path of the outlines of a region in one slice; empty where the region is absent.

    Level 0.5 between the centres of voxels inside and outside. Coordinates are halves of a voxel, counted from the
    corner of the slice, column and row: the centre of voxel [j, i] is (2 i + 1, 2 j + 1). All points are whole numbers.
    """
    # A border of nothing closes the outline of a region that the image cuts off.
    padded = np.pad(mask.astype(np.float64), 1)
    lines = contourpy.contour_generator(z=padded).lines(0.5)
    return "".join(_path(np.rint(2.0 * np.asarray(line)).astype(int) - 1) for line in lines)


def _path(points: NDArray[np.signedinteger[Any]]) -> str:
    """Relative steps, straight runs in one; the last step is left to ``z``."""
    steps = np.diff(points, axis=0)
    starts = np.flatnonzero(np.any(np.diff(steps, axis=0, prepend=steps[:1] + 9) != 0, axis=1))
    runs = np.add.reduceat(steps, starts)[:-1]
    moves = "".join(f"l{x} {y}" for x, y in runs.tolist()).replace(" -", "-")
    return f"M{points[0, 0]} {points[0, 1]}{moves}z"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
