"""Painting: a deformed mesh with its texture is laid over a canvas, in 8 bits and only inside its own rectangle."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SHIFT = 4  # binary places of the polygon corners
_OUTSIDE = -16.0  # texture coordinate of canvas pixels that no triangle covers


@dataclass(frozen=True, eq=False)
class Texture:
    """The visible part of a layer.

    colour  h w 3  uint8  multiplied by alpha
    clear   h w    uint8  255 - alpha
    corner  x + iy of its first pixel in the picture
    """

    colour: np.ndarray
    clear: np.ndarray
    corner: complex


def texture(rgba: np.ndarray, corner: complex = 0) -> Texture:
    """Cut the visible rectangle out of an h w 4 uint8 picture with straight alpha whose first pixel lies at `corner`."""
    x, y, width, height = cv2.boundingRect((rgba[..., 3] > 0).astype(np.uint8))
    cut = rgba[y : y + height, x : x + width]
    alpha = np.ascontiguousarray(cut[..., 3])
    colour = cv2.multiply(np.ascontiguousarray(cut[..., :3]), cv2.merge([alpha] * 3), scale=1 / 255)
    return Texture(colour, 255 - alpha, corner + x + 1j * y)


def dimmed(image: Texture, share: np.ndarray) -> Texture:
    """The texture with its alpha times `share` (h w float32, 0..1)."""
    colour = np.rint(image.colour * share[..., None]).astype(np.uint8)
    return Texture(colour, 255 - np.rint((255 - image.clear) * share).astype(np.uint8), image.corner)


def mixed(one: Texture, other: Texture, share: float) -> Texture:
    """From `one` (share 0) to `other` (share 1), which have the same size and place."""
    if share in (0, 1):
        return other if share else one
    colour = cv2.addWeighted(one.colour, 1 - share, other.colour, share, 0)
    return Texture(colour, cv2.addWeighted(one.clear, 1 - share, other.clear, share, 0), one.corner)


def lay(canvas: np.ndarray, image: Texture, rest: np.ndarray, moved: np.ndarray, triangles: np.ndarray, sharp: bool = False) -> None:
    """Paint the texture, stretched from `rest` to `moved` (V complex), onto H W 3 uint8. Later triangles (T 3) lie on top.

    `sharp` samples with cubic instead of linear weights: half a pixel of movement does not blur then.
    """
    box = _box(moved[triangles], canvas.shape) if len(triangles) else None
    if box is None:
        return
    x, y, width, height = box
    moved = moved - (x + 0.5 + 1j * (y + 0.5))  # OpenCV counts from pixel centres
    number = _numbers(moved, triangles, (height, width))
    where = _look_up(_inverse(moved, rest - image.corner - (0.5 + 0.5j), triangles), number)
    weights = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    colour = cv2.remap(image.colour, *where, weights, borderMode=cv2.BORDER_CONSTANT)
    clear = cv2.remap(image.clear, *where, weights, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
    region = canvas[y : y + height, x : x + width]
    cv2.multiply(region, cv2.merge([clear] * 3), dst=region, scale=1 / 255)
    cv2.add(region, colour, dst=region)


def lay_plainly(canvas: np.ndarray, rgba: np.ndarray, rest: np.ndarray, moved: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """H W 3 float64: what `lay` paints, pixel by pixel in floating point from the whole straight-alpha picture (H W 4): its oracle."""
    out = canvas.astype(float)
    source = np.concatenate([rgba[..., :3] * (rgba[..., 3:] / 255.0), rgba[..., 3:]], axis=2).astype(float)
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            place = _pull_back(x + 0.5 + 1j * (y + 0.5), rest, moved, triangles)
            if place is not None:
                premultiplied = _bilinear(source, place - (0.5 + 0.5j))
                out[y, x] = out[y, x] * (1 - premultiplied[3] / 255) + premultiplied[:3]
    return out


def _box(moved: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    x0 = int(np.floor(max(moved.real.min(), 0)))
    y0 = int(np.floor(max(moved.imag.min(), 0)))
    x1 = int(np.ceil(min(moved.real.max(), shape[1])))
    y1 = int(np.ceil(min(moved.imag.max(), shape[0])))
    return (x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None


def _numbers(moved: np.ndarray, triangles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """h w int32: which triangle (counted from 1, later ones on top) covers each pixel; 0 for none."""
    image = np.zeros(shape, np.int32)
    fixed = np.rint(np.stack([moved.real, moved.imag], axis=1) * (1 << _SHIFT)).astype(np.int32)
    for k, corners in enumerate(fixed[triangles], 1):
        cv2.fillConvexPoly(image, corners, k, shift=_SHIFT)
    return image


def _inverse(moved: np.ndarray, rest: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """6 T+1 float32: a b c d e f of x = a X + b Y + c, y = d X + e Y + f from the canvas back to the texture; entry 0 leads outside it."""
    q, r = moved[triangles.T], rest[triangles.T]  # 3 T
    u, v, s, t = q[1] - q[0], q[2] - q[0], r[1] - r[0], r[2] - r[0]
    area = (u.conj() * v).imag
    along_x = (s * v.imag - t * u.imag) / area
    along_y = (t * u.real - s * v.real) / area
    start = r[0] - along_x * q[0].real - along_y * q[0].imag
    table = np.empty((6, len(triangles) + 1), np.float32)
    table[:, 0] = (0, 0, _OUTSIDE, 0, 0, _OUTSIDE)
    table[:3, 1:] = along_x.real, along_y.real, start.real
    table[3:, 1:] = along_x.imag, along_y.imag, start.imag
    return table


def _look_up(table: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The h w float32 texture coordinates of every pixel."""
    across = np.arange(number.shape[1], dtype=np.float32)
    down = np.arange(number.shape[0], dtype=np.float32)[:, None]
    maps = []
    for a, b, c in (table[:3], table[3:]):
        place = np.take(a, number, mode="clip")
        place *= across
        step = np.take(b, number, mode="clip")
        step *= down
        place += step
        place += np.take(c, number, mode="clip")
        maps.append(place)
    return maps[0], maps[1]


def _pull_back(point: complex, rest: np.ndarray, moved: np.ndarray, triangles: np.ndarray) -> complex | None:
    for corners in triangles[::-1]:
        a, b, c = moved[corners]
        area = ((b - a).conj() * (c - a)).imag
        share = np.array([((b - point).conj() * (c - point)).imag, ((c - point).conj() * (a - point)).imag]) / area
        if share.min() >= 0 and share.sum() <= 1:
            return complex(np.dot([*share, 1 - share.sum()], rest[corners]))
    return None


def _bilinear(picture: np.ndarray, place: complex) -> np.ndarray:
    """The colour at an index position; outside the picture everything is 0."""
    x, y = int(np.floor(place.real)), int(np.floor(place.imag))
    out = np.zeros(picture.shape[2])
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        if 0 <= x + dx < picture.shape[1] and 0 <= y + dy < picture.shape[0]:
            out += (1 - abs(place.real - x - dx)) * (1 - abs(place.imag - y - dy)) * picture[y + dy, x + dx]
    return out
